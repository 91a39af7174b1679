-- Only statements of ours change the state of a planned trial. They set `studyhall.writer` until their transaction ends:
-- that works behind every proxy, and does not stay with a connection that another program uses next. The function runs as
-- its owner, since another program may have no rights on our tables.
CREATE OR REPLACE FUNCTION studyhall_guard_point() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = NEW.trial_id) THEN
        RAISE EXCEPTION USING MESSAGE = 'trial ' || NEW.number || ' was planned by Studyhall: only its workers run it; '
            'add your own with study.enqueue_trial({...})';
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS studyhall_guard ON trials;
CREATE TRIGGER studyhall_guard AFTER UPDATE OF state ON trials FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND current_setting('studyhall.writer', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION studyhall_guard_point();
