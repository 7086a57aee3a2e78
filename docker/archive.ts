import { type Header, pack } from 'tar-stream';

/** An entry of an archive; `content` is that of a file. */
export type ArchiveEntry = Pick<Header, 'name'> & Partial<Header> & { readonly content?: string | Buffer };

/** A complete tar archive; not a stream, since an abandoned one ends the process. */
export async function tarArchive(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
