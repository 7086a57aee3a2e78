/** A piece of text in the picture; sizes in pixels. */
interface Text {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly text: string;
  readonly isBold?: boolean;
  readonly isCode?: boolean;
}

const margin = 24;
const rowHeight = 28;

/** Draws the Markdown of `gatewayctl summary` roughly as GitHub renders it: headings, tables, lists, lines. */
export function summaryPicture(markdown: string): string {
  const texts: Text[] = [];
  const rules: string[] = [];
  let y = margin;
  let width = 0;
  const put = (text: Text) => {
    texts.push(text);
    width = Math.max(width, text.x + widthOf(text));
  };
  for (const block of markdown.trim().split(/\n\n+/)) {
    const lines = block.split('\n');
    const heading = /^(#+) (.*)$/.exec(block);
    if (heading !== null) {
      const size = heading[1] === '#' ? 24 : 18;
      y += size + 12;
      put({ x: margin, y, size, text: heading[2] ?? '', isBold: true });
      y += 12;
    } else if (lines[1]?.startsWith('| ---')) {
      const rows = lines.filter((_, index) => index !== 1).map(cellsOf);
      const columns = columnsOf(rows);
      rows.forEach((cells, row) => {
        y += rowHeight;
        cells.forEach((cell, column) => {
          put({ ...styled(cell, row === 0), x: columns[column] ?? margin, y });
        });
        rules.push(`<path d="M${margin} ${y + 9}H@"/>`);
      });
      y += 12;
    } else {
      for (const line of lines) {
        y += rowHeight;
        put({ ...styled(line.replace(/^- /, '\u2022 '), false), x: margin, y });
      }
    }
  }
  const [w, h] = [Math.ceil(width + margin), y + margin];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">`,
    '<title>The job summary of a deploy</title>',
    `<rect width="${w}" height="${h}" fill="#ffffff"/>`,
    `<g stroke="#d1d9e0">${rules.join('').replaceAll('@', `${w - margin}`)}</g>`,
    ...texts.map(svgText),
    '</svg>\n',
  ].join('\n');
}

const cellsOf = (line: string) => line.replace(/^\| | \|$/g, '').split(' | ');

function columnsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const columns = [margin];
  for (let column = 0; column < (rows[0]?.length ?? 0); column += 1) {
    const widest = Math.max(...rows.map((cells, row) => widthOf(styled(cells[column] ?? '', row === 0))));
    columns.push((columns[column] ?? 0) + widest + margin);
  }
  return columns;
}

/** Text of the Markdown, still escaped, as SVG requires too. */
function styled(markdown: string, isBold: boolean) {
  const text = markdown.replaceAll(/<\/?code>/g, '');
  return { text, size: 14, isBold, isCode: /^<code>[^<]*<\/code>$/.test(markdown) };
}

const widthOf = ({ text, size, isBold }: Pick<Text, 'text' | 'size' | 'isBold'>) =>
  text.replaceAll(/&#\d+;/g, '.').length * size * (isBold ? 0.62 : 0.61);

const svgText = ({ x, y, size, text, isBold, isCode }: Text) =>
  `<text x="${Math.round(x)}" y="${y}" font-size="${size}" fill="${isCode ? '#0550ae' : '#1f2328'}" font-family="${isCode ? 'monospace' : 'sans-serif'}"${isBold ? ' font-weight="600"' : ''}>${text}</text>`;
