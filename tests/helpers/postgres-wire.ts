import { connect } from 'node:net';

export interface Login {
  readonly host: string;
  readonly port: number;
  /** `user`, `database`, `replication`. */
  readonly startup: Readonly<Record<string, string>>;
}

/**
 * Starts a login to PostgreSQL in its own protocol, and answers every request for a password with the password in clear.
 * @returns what was requested (`nothing`, `clear`, `md5`, `SASL <mechanisms>`) and what came of the answer
 */
export function authenticationAsked({ host, port, startup }: Login, password: string) {
  return new Promise<{ asked: string; answered: string }>((resolve, reject) => {
    let [received, asked] = [Buffer.alloc(0), ''];
    const socket = connect(port, host, () => socket.write(startupMessage(startup)));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer, asked so far: ${asked}`)));
    socket.once('error', reject);
    socket.once('close', () => resolve({ asked, answered: 'closed' }));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 5 && received.length > received.readInt32BE(1)) {
        const end = 1 + received.readInt32BE(1);
        const [type, body] = [String.fromCharCode(received[0] ?? 0), received.subarray(5, end)];
        received = received.subarray(end);
        if (asked !== '') {
          resolve({ asked, answered: type === 'E' ? errorOf(body) : `message ${type}` });
          socket.destroy();
          return;
        }
        if (type === 'E') {
          resolve({ asked: errorOf(body), answered: 'nothing' });
          socket.destroy();
          return;
        }
        asked = authenticationOf(body);
        socket.write(message('p', Buffer.from(`${password}\0`)));
      }
    });
  });
}

const authentications: Readonly<Record<number, string>> = { 0: 'nothing', 3: 'clear', 5: 'md5', 10: 'SASL' };

function authenticationOf(body: Buffer): string {
  const kind = body.readInt32BE(0);
  const mechanisms = body
    .subarray(4)
    .toString()
    .split('\0')
    .filter((name) => name !== '');
  return [authentications[kind] ?? `kind ${kind}`, ...(kind === 10 ? mechanisms : [])].join(' ');
}

/** Code and text of an error message. */
function errorOf(body: Buffer): string {
  const fields = body.toString().split('\0');
  const field = (name: string) => fields.find((text) => text.startsWith(name))?.slice(1);
  return `error ${field('C')} ${field('M')}`;
}

function startupMessage(startup: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(startup).map(([key, value]) => `${key}\0${value}\0`);
  const body = Buffer.concat([Buffer.from([0, 3, 0, 0]), Buffer.from(`${text.join('')}\0`)]);
  return message('', body);
}

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}
