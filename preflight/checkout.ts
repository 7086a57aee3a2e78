import type { HostCheck } from './check.ts';

/** Stage and prod are deployed from a clean checkout only, unless ALLOW_DIRTY is set. */
export const checkout: HostCheck = {
  name: 'checkout',
  reads: 'host',
  run({ settings, source }) {
    if (!source.isDirty || settings.isDirtyAllowed) return [];
    return [
      {
        code: 'E_DIRTY',
        severity: 'error',
        message: `${settings.checkoutDir}: has uncommitted changes (got ${source.commit} and more)`,
        why: 'This image could not be built again.',
        fix: `Commit or discard them (git status), or set ALLOW_DIRTY=true in ${settings.instance.envFile}.`,
      },
    ];
  },
};
