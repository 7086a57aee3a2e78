import { temporaryDir, writeFiles } from './temporary.ts';

/** Files of a checkout that the program reads, and some that it must ignore. */
const checkoutFiles: Readonly<Record<string, string>> = {
  '.dockerignore': '*\n!go.mod\n!cmd\n!internal\n**/*_test.go\n',
  'Dockerfile.gateway': 'FROM scratch\n',
  'README.md': '# Readme\n',
  'go.mod': 'module example.org/gateway\n',
  'cmd/gateway/main.go': 'package main\n',
  'cmd/gateway/main_test.go': 'package main\n',
  'internal/api/server.go': 'package api\n',
  'components/service.ts': 'export {};\n',
  'monitoring/prometheus/prometheus.yml': 'scrape_configs: []\n',
  'monitoring/grafana/provisioning/datasources/prometheus.yml': 'apiVersion: 1\n',
  'monitoring/grafana/dashboards/gateway.json': '{}\n',
};

/** A checkout in a temporary directory, with these files added or replaced. */
export function testCheckout(files: Readonly<Record<string, string>> = {}): string {
  const dir = temporaryDir();
  writeFiles(dir, { ...checkoutFiles, ...files });
  return dir;
}
