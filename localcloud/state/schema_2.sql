ALTER TABLE volumes ADD COLUMN last_snapshot_at REAL;
UPDATE volumes SET last_snapshot_at = (SELECT MAX(created_at) FROM snapshots WHERE volume_id = volumes.id);

ALTER TABLE actions ADD COLUMN shown TEXT NOT NULL DEFAULT 'as_it_is'
  CHECK (shown IN ('as_it_is', 'in_progress', 'never'));

CREATE INDEX tags_by_any_case ON tags (name COLLATE NOCASE);
