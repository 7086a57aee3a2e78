import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { envExampleText } from './env-file.ts';
import { errorsDocText, settingsDocText } from './generated-docs.ts';

const checkoutDir = dirname(import.meta.dirname);

writeFileSync(join(checkoutDir, '.env.example'), envExampleText());
writeFileSync(join(checkoutDir, 'docs', 'settings.md'), settingsDocText());
writeFileSync(join(checkoutDir, 'docs', 'errors.md'), errorsDocText());
