import { expect, test } from 'vitest';
import { DataVolume } from '../../../components/data-volume.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { testSettings } from '../../helpers/instance.ts';
import { registrationOf, runProgram } from '../../helpers/pulumi-mocks.ts';

test('a volume is bound to its directory, labelled, protected and kept', async () => {
  const settings = testSettings({ variables: { DATA_DIR: '/srv/data', COMPOSE_PROJECT_NAME: 'tl' } });
  const run = await runProgram(() =>
    dataVolumes.map((volume) => new DataVolume(`x-${volume}-volume`, { settings, volume })),
  );
  expect(run.result.map(({ hostPath }) => hostPath)).toEqual(dataVolumes.map((volume) => `/srv/data/${volume}`));
  for (const volume of dataVolumes) {
    const registration = registrationOf(run, 'docker:index/volume:Volume', `x-${volume}-volume`);
    expect(registration.inputs).toEqual({
      name: `tl_${volume}`,
      driver: 'local',
      driverOpts: { type: 'none', o: 'bind', device: `/srv/data/${volume}` },
      labels: [
        { label: 'com.docker.compose.project', value: 'tl' },
        { label: 'taxlien-gateway.environment', value: 'dev' },
      ],
    });
    const { isProtected, isRetainedOnDelete, isDeletedBeforeReplace } = registration;
    expect({ isProtected, isRetainedOnDelete, isDeletedBeforeReplace }).toEqual({
      isProtected: true,
      isRetainedOnDelete: true,
      isDeletedBeforeReplace: true,
    });
  }
});
