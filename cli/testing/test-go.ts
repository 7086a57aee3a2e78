/** One line of `go test -json`. */
export interface GoEvent {
  readonly Action: string;
  readonly Package: string;
  readonly Test?: string;
  readonly Elapsed?: number;
  readonly Output?: string;
}

interface GoResult {
  readonly name: string;
  readonly pkg: string;
  readonly action: 'pass' | 'fail' | 'skip';
  readonly seconds: number;
  readonly output: string;
}

function results(events: readonly GoEvent[]): readonly GoResult[] {
  const output = new Map<string, string>();
  const found: GoResult[] = [];
  for (const { Action, Package, Test = '', Elapsed = 0, Output = '' } of events) {
    const key = `${Package} ${Test}`;
    if (Action === 'output') output.set(key, (output.get(key) ?? '') + Output);
    // A package without a test of its own counts only when it fails, by a build error say.
    const counts = Test === '' ? Action === 'fail' : ['pass', 'fail', 'skip'].includes(Action);
    if (!counts) continue;
    const action = Action as GoResult['action'];
    found.push({ name: Test || 'package', pkg: Package, action, seconds: Elapsed, output: output.get(key) ?? '' });
  }
  // A package fails because a test in it does: that test is the one to count.
  const failedTests = new Set(
    found.filter(({ name, action }) => name !== 'package' && action === 'fail').map(({ pkg }) => pkg),
  );
  return found.filter(({ name, pkg }) => name !== 'package' || !failedTests.has(pkg));
}

/** Counts of `go test -json`, subtests among them. */
export function countGoTests(events: readonly GoEvent[]) {
  const all = results(events);
  const of = (action: GoResult['action']) => all.filter((result) => result.action === action);
  return { passed: of('pass').length, failed: of('fail').length, skipped: of('skip').length, failures: of('fail') };
}

/** The same as JUnit XML. */
export function goJunit(events: readonly GoEvent[]): string {
  const cases = results(events).map(({ name, pkg, action, seconds, output }) => {
    const inner =
      action === 'fail'
        ? `<failure message="failed">${escapeXml(output)}</failure>`
        : action === 'skip'
          ? '<skipped/>'
          : '';
    return `<testcase classname="${escapeXml(pkg)}" name="${escapeXml(name)}" time="${seconds}">${inner}</testcase>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="go" tests="${cases.length}">\n${cases.join('\n')}\n</testsuite>\n`;
}

const escapeXml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write them
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '?');
