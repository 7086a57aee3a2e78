import type { HostCheck } from './finding.ts';

/** Only dev is deployed from a checkout that no commit describes, unless ALLOW_DIRTY says otherwise. */
export const checkout: HostCheck = {
  name: 'checkout',
  reads: 'host',
  run({ settings, source }) {
    if (!source.isDirty || settings.isDirtyAllowed) return [];
    return [
      {
        code: 'E_DIRTY',
        severity: 'error',
        message: `${settings.checkoutDir}: has changes that no commit holds (got ${source.commit} and more)`,
        why: 'Nobody could build this image a second time.',
        fix: `Commit or discard them (git status), or set ALLOW_DIRTY=true in ${settings.instance.envFile}.`,
      },
    ];
  },
};
