import { z } from 'zod';
import { secretServices } from '../../instance/secret-files.ts';
import { environments, services } from '../../settings/services.ts';

/** Steps of the gateway that run once, before its container is swapped. */
export const gatewaySteps = ['selfcheck', 'migrate'] as const;
export type GatewayStep = (typeof gatewaySteps)[number];

const env = z.enum(environments);
const text = z.string().min(1);

/** Input of a step on the host: the one argument of `components/host-step.ts`, as JSON. It contains no secrets. */
export const hostStepSchema = z.discriminatedUnion('step', [
  z.strictObject({
    step: z.literal('host-paths'),
    env,
    /** Image of the helper container. */
    imageId: text,
    hostPathsId: text,
    secretGenerations: z.record(z.enum(secretServices), text),
    /** Directories of the checkout that containers mount. */
    configSources: z.array(text),
  }),
  z.strictObject({ step: z.enum(gatewaySteps), env, imageId: text }),
  z.strictObject({
    step: z.literal('healthy'),
    env,
    service: z.enum(services),
    containerId: text,
    limitSeconds: z.int().positive(),
  }),
  z.strictObject({ step: z.literal('data-markers'), env }),
]);

export type HostStep = z.infer<typeof hostStepSchema>;

export type HostStepOf<Name extends HostStep['step']> = Extract<HostStep, { step: Name }>;
