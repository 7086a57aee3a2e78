import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { envExampleText } from './env-file.ts';
import { settingsDocText } from './settings-doc.ts';

const checkoutDir = dirname(import.meta.dirname);

writeFileSync(join(checkoutDir, '.env.example'), envExampleText());
writeFileSync(join(checkoutDir, 'docs', 'settings.md'), settingsDocText());
