-- Plugins that are let in: each has an account of its own, a role of its own with what it may do, and a manifest with the topics that it
-- publishes on and the filters that it reads beside those that every plugin has.

-- A text is at most 200 bytes there, as long as a topic may be, and not in arrays of arrays.
CREATE FUNCTION bigskies_are_topics(topics text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_ndims(topics), 1) = 1
        AND coalesce(bool_and(coalesce(octet_length(topic) BETWEEN 1 AND 200 AND topic !~ '[[:cntrl:]]' AND topic !~ '^[$]', false)), true)
    FROM unnest(topics) AS topic
$$;

CREATE TABLE plugin_manifests (
    user_id    text PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    publishes  text[] NOT NULL CONSTRAINT manifest_publishes_count CHECK (cardinality(publishes) <= 100)
        CONSTRAINT manifest_publishes_form CHECK (bigskies_are_topics(publishes) AND array_to_string(publishes, '') !~ '[+#]'),
    reads      text[] NOT NULL CONSTRAINT manifest_reads_count CHECK (cardinality(reads) <= 100)
        CONSTRAINT manifest_reads_form CHECK (bigskies_are_topics(reads)),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON plugin_manifests FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
