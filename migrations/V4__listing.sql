-- By what events are listed. Their rows are so large that two fill a page, so a search through them
-- reads the whole file: among 200,000 it took ten seconds from the disk, and one from memory. This
-- is a fiftieth of it, grows at its end as rows are added, and made no measurable difference to the
-- time that an event takes.
CREATE INDEX webhook_logs_listing
    ON webhook_logs (id, status, event_type, provider, livemode, received_at);
