import { isIPv6 } from 'node:net';

/** An IP address as written before `:<port>`: IPv6 in brackets. */
export const hostInUrl = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);

/** The spelling that Docker returns: IPv6 compressed and in lower case, IPv4 and other text unchanged. */
export const oneSpelling = (ip: string) => (isIPv6(ip) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip);
