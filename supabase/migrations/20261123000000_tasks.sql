create table tasks (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind ~ '^[a-z0-9][a-z0-9_.-]{0,63}$'),
  payload jsonb not null check (jsonb_typeof(payload) = 'object'),
  state text not null default 'queued' check (state in ('queued', 'leased', 'done')),
  attempts integer not null default 0,
  created_at timestamptz not null default now(),
  -- When a worker may claim it: at once while queued, after the lease while leased.
  available_at timestamptz not null default now(),
  lease_token uuid,
  result_sha256 text check (result_sha256 ~ '^[0-9a-f]{64}$'),
  result_bytes bigint check (result_bytes > 0),
  result_content_type text,
  done_at timestamptz,
  check ((state = 'queued') = (lease_token is null)),
  check ((state = 'done') = (result_sha256 is not null)),
  check ((state = 'done') = (result_bytes is not null)),
  check ((state = 'done') = (result_content_type is not null)),
  check ((state = 'done') = (done_at is not null))
);

create index tasks_claimable on tasks (available_at, id) where state <> 'done';
