import { containerName } from '../../docker/names.ts';
import { hostInUrl } from '../../host/address.ts';
import { UserError } from '../../host/errors.ts';
import { note } from '../../host/output.ts';
import { type Clock, systemClock, waitUntil } from '../../host/wait.ts';
import type { Settings } from '../../settings/load.ts';

/** uid of the data source in monitoring/grafana/provisioning/datasources. */
export const dataSourceUid = 'prometheus';

const queryTimeoutMs = 10_000;

/**
 * Runs one query through Grafana's data source: /api/health succeeds even if its plugin is missing.
 * A refused login or a redirect does not reach the data source: it only prints a note.
 * @throws UserError E_GRAFANA_QUERY
 */
export async function queryGrafana(settings: Settings, clock: Clock = systemClock): Promise<void> {
  const url = `http://${hostInUrl(settings.bindIp)}:${settings.ports.grafana}/api/ds/query`;
  const { last } = await waitUntil(() => ask(url, settings), {
    // No retry after a refusal: Grafana locks an account after five refused logins.
    isOver: (answered) => answered.problem === undefined || isRefusal(answered),
    timeoutMs: queryTimeoutMs,
    clock,
  });
  if (last.problem === undefined) return;
  if (isRefusal(last)) {
    note(`${url}: the data source was not checked (got HTTP ${last.status})`);
    if (last.status === 401) note(changedPassword(settings));
    return;
  }
  throw new UserError(
    'E_GRAFANA_QUERY',
    `${url}: the data source ${dataSourceUid} must answer a query (got ${last.problem})`,
    `Read its log (docker logs ${containerName(settings, 'grafana')}), then run ./gatewayctl verify ${settings.env}.`,
  );
}

const isRefusal = ({ status = 0 }: Answered) => status === 401 || (status >= 300 && status < 400);

const changedPassword = ({ grafanaAdminUser, instance }: Settings) =>
  `If the password of ${grafanaAdminUser} was changed in the browser, set GRAFANA_ADMIN_PASSWORD in ${instance.envFile} to it.`;

interface Answered {
  readonly status?: number;
  /** Absent if the query was answered, even with no sample: Prometheus may have just started. */
  readonly problem?: string;
}

async function ask(url: string, { grafanaAdminUser, secrets }: Settings): Promise<Answered> {
  const login = Buffer.from(`${grafanaAdminUser}:${secrets.GRAFANA_ADMIN_PASSWORD}`).toString('base64');
  const query = { refId: 'A', datasource: { uid: dataSourceUid, type: 'prometheus' }, expr: 'up', instant: true };
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from: 'now-5m', to: 'now', queries: [{ ...query, range: false }] }),
      redirect: 'manual',
      signal: AbortSignal.timeout(5_000),
    });
    const problem = problemIn(await answer.text());
    return problem === undefined ? {} : { status: answer.status, problem: `HTTP ${answer.status} ${problem}` };
  } catch (error) {
    return { problem: ((error as { cause?: Error }).cause ?? (error as Error)).message };
  }
}

/** The error in an answer: of the query or of the whole request. */
function problemIn(text: string): string | undefined {
  const { results, message } = parsed(text);
  if (results?.A === undefined) return message ?? text.slice(0, 500);
  return results.A.error;
}

function parsed(text: string): { results?: { A?: { error?: string } }; message?: string } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
