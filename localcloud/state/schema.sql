CREATE TABLE droplets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  region TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'off')),
  created_at REAL NOT NULL
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('droplets', 410000000);

CREATE TABLE volumes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  region TEXT NOT NULL,
  size_gib INTEGER NOT NULL,
  description TEXT NOT NULL,
  filesystem_type TEXT NOT NULL,
  filesystem_label TEXT NOT NULL,
  droplet_id INTEGER REFERENCES droplets (id),
  created_at REAL NOT NULL,
  UNIQUE (name, region)
);
CREATE INDEX volumes_by_droplet ON volumes (droplet_id) WHERE droplet_id IS NOT NULL;
CREATE INDEX volumes_by_region ON volumes (region);

CREATE TABLE actions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('in-progress', 'completed', 'errored')),
  volume_id TEXT,
  droplet_id INTEGER,
  size_gib INTEGER,
  region TEXT NOT NULL,
  plan TEXT NOT NULL CHECK (plan IN ('completed', 'errored', 'droplet_vanishes')),
  started_at REAL NOT NULL,
  ends_at REAL,
  completed_at REAL
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('actions', 72000000);
CREATE INDEX actions_by_volume ON actions (volume_id);
CREATE INDEX actions_under_way ON actions (status) WHERE status = 'in-progress';

CREATE TABLE snapshots (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  volume_id TEXT NOT NULL,
  region TEXT NOT NULL,
  size_gib INTEGER NOT NULL,
  created_at REAL NOT NULL
);
CREATE INDEX snapshots_by_volume ON snapshots (volume_id);

CREATE TABLE tags (name TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE taggings (
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  tag TEXT NOT NULL REFERENCES tags (name),
  PRIMARY KEY (resource_type, resource_id, tag)
) WITHOUT ROWID;
CREATE INDEX taggings_by_tag ON taggings (tag, resource_type);

CREATE TABLE effects (
  seq INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  request_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);

CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  status INTEGER NOT NULL,
  seconds REAL NOT NULL
);
