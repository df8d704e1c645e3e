-- What people look through of issues, in its order, without reading those that are over.

-- Those that last, the worst first, and whether a person knows of them.
CREATE INDEX issues_lasting ON issues (severity, kind, dismissed_at) WHERE closed_at IS NULL;
-- Those that are over, the last first.
CREATE INDEX issues_over ON issues (closed_at, kind) WHERE closed_at IS NOT NULL;
