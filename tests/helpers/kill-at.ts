import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

// Loaded before cli/main.ts (NODE_OPTIONS=--import): SIGKILL of this process at the step in KILL_AT, e.g.
// `after renameSync .env`: a call of node:fs and the end of its path.
const [when, call, ending] = (process.env.KILL_AT ?? '').split(' ');

if (process.argv[1]?.endsWith('/cli/main.ts') && (call === 'renameSync' || call === 'rmSync') && ending !== undefined) {
  const original = fs[call] as (...args: unknown[]) => void;
  const patched = (...args: unknown[]) => {
    const isIt = String(args[call === 'renameSync' ? 1 : 0]).endsWith(ending);
    if (isIt && when === 'before') process.kill(process.pid, 'SIGKILL');
    original(...args);
    if (isIt && when === 'after') process.kill(process.pid, 'SIGKILL');
  };
  Object.assign(fs, { [call]: patched });
  syncBuiltinESMExports();
}
