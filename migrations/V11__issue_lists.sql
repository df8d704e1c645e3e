-- What people see of issues: in their language, and in their order without reading those that are over.

-- Title, detail and remedy in other languages than English: {"fr":{"title":…,"detail":…,"remedy":…}}.
-- Of issues from before there are none.
ALTER TABLE issues ADD COLUMN translations TEXT;

-- Those that last, the worst first, and whether a person knows of them.
CREATE INDEX issues_lasting ON issues (severity, kind, dismissed_at) WHERE closed_at IS NULL;
-- Those that are over, the last first.
CREATE INDEX issues_over ON issues (closed_at, kind) WHERE closed_at IS NOT NULL;
