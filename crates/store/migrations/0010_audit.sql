-- Who did what, on what, from where, with what outcome: rows that are only added, each with the hash of the one before.

CREATE TABLE audit (
    sequence      bigint PRIMARY KEY CHECK (sequence > 0),
    at            timestamptz NOT NULL,
    account       text NOT NULL,
    user_id       text,
    action        text NOT NULL,
    object        text NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    code          text NOT NULL,
    peer          text NOT NULL,
    source        text NOT NULL,
    message_id    text NOT NULL,
    details       jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash          bytea NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_of_account ON audit (account, sequence);
CREATE INDEX audit_of_action ON audit (action, sequence);
CREATE INDEX audit_of_object ON audit (object, sequence);

-- Both ends of the chain: the last row, so that taking rows off the end shows, and the last one that retention removed, from which
-- the rest goes on. Its lock puts those who add rows one after the other.
CREATE TABLE audit_ends (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence        bigint NOT NULL CHECK (sequence >= anchor_sequence),
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    anchor_sequence bigint NOT NULL CHECK (anchor_sequence >= 0),
    anchor_hash     bytea NOT NULL CHECK (octet_length(anchor_hash) = 32)
);

INSERT INTO audit_ends (sequence, hash, anchor_sequence, anchor_hash)
VALUES (0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: rows are only added', lower(TG_OP), TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Only what the rest goes on from without may go.
CREATE FUNCTION audit_refuse_unanchored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT max(sequence) FROM gone) > (SELECT anchor_sequence FROM audit_ends) THEN
        RAISE EXCEPTION 'delete of audit is refused: rows leave through audit_retain alone' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;

-- The ends go forward, to rows that are there. The call stack names functions outside of this schema with theirs, so no other
-- audit_retain passes for ours.
CREATE FUNCTION audit_ends_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF NEW.sequence < OLD.sequence OR NEW.anchor_sequence < OLD.anchor_sequence THEN
        RAISE EXCEPTION 'audit_ends go forward only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.sequence, NEW.hash) IS DISTINCT FROM (OLD.sequence, OLD.hash)
        AND NOT EXISTS (SELECT FROM audit WHERE sequence = NEW.sequence AND hash = NEW.hash) THEN
        RAISE EXCEPTION 'audit_ends name a row that is there' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.anchor_sequence, NEW.anchor_hash) IS DISTINCT FROM (OLD.anchor_sequence, OLD.anchor_hash)
        AND (position(E'\nPL/pgSQL function audit_retain(' IN stack) = 0
            OR NOT EXISTS (SELECT FROM audit WHERE sequence = NEW.anchor_sequence AND hash = NEW.anchor_hash)) THEN
        RAISE EXCEPTION 'the anchor of audit is moved by audit_retain alone' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_refuse BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_refuse_unanchored AFTER DELETE ON audit REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_unanchored();
CREATE TRIGGER audit_ends_refuse BEFORE DELETE OR TRUNCATE ON audit_ends
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_ends_forward BEFORE UPDATE ON audit_ends
    FOR EACH ROW EXECUTE FUNCTION audit_ends_forward();

-- Removes the oldest rows, up to the first that is not from before the instant, and keeps the hash that the rest goes on from.
CREATE FUNCTION audit_retain(since timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    ends    audit_ends;
    last    bigint;
    removed bigint;
BEGIN
    SELECT * INTO STRICT ends FROM audit_ends FOR UPDATE;
    SELECT coalesce((SELECT min(sequence) - 1 FROM audit WHERE at >= since), ends.sequence) INTO last;
    IF last <= ends.anchor_sequence THEN
        RETURN 0;
    END IF;
    UPDATE audit_ends SET anchor_sequence = last, anchor_hash = (SELECT hash FROM audit WHERE sequence = last);
    DELETE FROM audit WHERE sequence <= last;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
