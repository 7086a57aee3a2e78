import { type Header, pack } from 'tar-stream';

/** What stands in an archive, and its content where it is a file. */
export type ArchiveEntry = Pick<Header, 'name'> & Partial<Header> & { readonly content?: string | Buffer };

/** A tar archive, whole: a stream of one that is given up half way ends the process. */
export async function tarArchive(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
