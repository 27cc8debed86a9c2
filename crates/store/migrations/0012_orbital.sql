-- What was registered with the orbital service: satellites beside its catalogue, and ground stations.

CREATE TABLE orbital_satellites (
    id       text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    -- An Orbit Mean-Elements Message (CCSDS 502.0-B) in JSON.
    elements text NOT NULL CHECK (octet_length(elements) <= 65536)
);

CREATE TABLE orbital_stations (
    id                    text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name                  text NOT NULL,
    latitude_degrees      double precision NOT NULL CHECK (latitude_degrees BETWEEN -90 AND 90),
    longitude_degrees     double precision NOT NULL CHECK (longitude_degrees BETWEEN -360 AND 360),
    altitude_metres       double precision NOT NULL,
    elevation_degrees_min double precision NOT NULL CHECK (elevation_degrees_min BETWEEN -90 AND 90)
);

CREATE FUNCTION orbital_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bigskies_orbital', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER orbital_satellites_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON orbital_satellites
    FOR EACH STATEMENT EXECUTE FUNCTION orbital_changed();
CREATE TRIGGER orbital_stations_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON orbital_stations
    FOR EACH STATEMENT EXECUTE FUNCTION orbital_changed();
