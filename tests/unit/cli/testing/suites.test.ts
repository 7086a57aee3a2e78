import { expect, test } from 'vitest';
import { countsOf } from '../../../../cli/testing/suites.ts';

test("counts of gotestsum's report: a package that does not build is a failure", () => {
  const report = `<testsuites tests="3" failures="2" errors="1">
    <testcase classname="api" name="TestF/sub" time="0.0"><failure message="Failed">&lt;skipped/&gt;</failure></testcase>
    <testcase classname="api" name="TestS" time="0.0"><skipped message="=== SKIP"></skipped></testcase>
    <testcase classname="api" name="TestP" time="0.0"></testcase>
    <testcase classname="" name="TestMain" time="0.0"><failure message="Failed">FAIL api [build failed]</failure></testcase>
  </testsuites>`;
  expect(countsOf(report, 1)).toEqual({ passed: 1, failed: 2, skipped: 1 });
});

test("counts of vitest's report: a test with two failures counts once, and printed text does not count", () => {
  const report = `<testsuites name="vitest tests" tests="3" failures="1">
    <testcase classname="a.test.ts" name="passes" time="0"><system-out>&lt;testcase name=&quot;x&quot;&gt;</system-out></testcase>
    <testcase classname="a.test.ts" name="later" time="0"><skipped/></testcase>
    <testcase classname="a.test.ts" name="fails" time="0"><failure message="a"></failure><failure message="b"></failure></testcase>
  </testsuites>`;
  expect(countsOf(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 1 });
});

test('a run without a report or a failed test, but with a bad exit code, has failed', () => {
  expect(countsOf('', 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countsOf('<testcase name="passes"></testcase>', 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(countsOf('<testcase name="passes"></testcase>', 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
});
