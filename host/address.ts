import { isIPv6 } from 'node:net';

/** An IP address as it stands before `:<port>`: IPv6 in brackets. */
export const hostInUrl = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);

/** The one spelling that Docker gives back: IPv6 in lower case with zeros left out, IPv4 and other text as it is. */
export const oneSpelling = (ip: string) => (isIPv6(ip) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip);
