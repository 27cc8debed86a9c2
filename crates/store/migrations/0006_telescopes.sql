-- Sites, telescopes, devices, and which device has which role on which telescope.

CREATE TABLE observatory_sites (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    latitude    double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude   double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    elevation   double precision NOT NULL CHECK (elevation BETWEEN -500 AND 10000),
    timezone    varchar(100) NOT NULL DEFAULT 'UTC',
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

-- An owner is the name of an account or of a group.
CREATE TABLE telescope_configurations (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text NOT NULL CHECK (name <> ''),
    description text NOT NULL DEFAULT '',
    owner_id    text NOT NULL,
    owner_type  text NOT NULL CHECK (owner_type IN ('user', 'group')),
    site_id     text REFERENCES observatory_sites ON DELETE SET NULL,
    mount_type  text NOT NULL CHECK (mount_type IN ('altaz', 'equatorial', 'dobsonian')),
    enabled     boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CONSTRAINT telescope_name_of_owner UNIQUE (name, owner_id)
);

CREATE INDEX telescope_configurations_of_site ON telescope_configurations (site_id);

-- A device keeps our id when its address changes and when its server forgets it; without an address it is not known
-- where it is now.
CREATE TABLE devices (
    id               text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    device_type      text NOT NULL,
    device_number    integer NOT NULL CHECK (device_number >= 0),
    name             text NOT NULL,
    description      text NOT NULL DEFAULT '',
    driver_info      text NOT NULL DEFAULT '',
    driver_version   text NOT NULL DEFAULT '',
    server_url       text,
    uuid             text,
    protocol         text NOT NULL DEFAULT 'alpaca',
    simulated        boolean NOT NULL DEFAULT false,
    connected_wanted boolean NOT NULL DEFAULT false,
    last_seen        timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT device_address UNIQUE (server_url, device_type, device_number),
    CONSTRAINT device_uuid UNIQUE (uuid, device_type)
);

CREATE TABLE telescope_devices (
    telescope_id   text NOT NULL REFERENCES telescope_configurations ON DELETE CASCADE,
    device_role    text NOT NULL CHECK (device_role IN ('telescope', 'camera', 'dome', 'focuser', 'filterwheel', 'rotator',
        'switch', 'safety', 'observingconditions', 'covercalibrator')),
    device_id      text NOT NULL REFERENCES devices ON DELETE CASCADE,
    enabled        boolean NOT NULL DEFAULT true,
    last_connected timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (telescope_id, device_role)
);

CREATE INDEX telescope_devices_of_device ON telescope_devices (device_id);
