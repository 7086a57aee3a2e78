import { UserError } from '../../host/errors.ts';

/** `CODE message. fix` of the error that a promise is rejected with; a resolved one and a defect fail the test. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UserError) return `${error.code} ${error.message}. ${error.fix}`;
    throw error;
  }
  throw new Error('was not refused');
}
