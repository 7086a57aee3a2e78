import { ownEnvironment } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';

/** What a job of GitHub Actions knows of where it runs. */
export interface GithubJob {
  /** `https://api.github.com`, or that of a server of one's own. */
  readonly apiUrl: string;
  /** `owner/name` */
  readonly repository: string;
  readonly token: string;
}

/**
 * Reads `GITHUB_API_URL`, `GITHUB_REPOSITORY` and `GITHUB_TOKEN`.
 * @throws UserError E_GITHUB
 */
export function readGithubJob(env: NodeJS.ProcessEnv = ownEnvironment): GithubJob {
  const read = (name: string) => {
    const value = env[name] ?? '';
    if (value !== '') return value;
    throw new UserError('E_GITHUB', `${name}: is not set`, 'Run it in a job of GitHub Actions, with its token as env.');
  };
  return { apiUrl: read('GITHUB_API_URL'), repository: read('GITHUB_REPOSITORY'), token: read('GITHUB_TOKEN') };
}
