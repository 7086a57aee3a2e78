/** An IP address as it stands before `:<port>`: IPv6 in brackets. */
export const hostInUrl = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);
