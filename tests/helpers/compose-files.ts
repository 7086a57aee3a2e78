import upstream from '../../docker/images/upstream-images.json' with { type: 'json' };

export const project = 'taxlien-gateway-dev';

/**
 * The five services as a Compose file has them, with volumes of every kind: named, with a name that the stack needs,
 * anonymous, bound in place and bound elsewhere.
 */
export const composeFile = (settings: (key: string) => string) => `
name: ${project}
services:
  db:
    image: ${upstream.db}
    environment:
      POSTGRES_USER: ${settings('POSTGRES_USER')}
      POSTGRES_DB: ${settings('POSTGRES_DB')}
      POSTGRES_PASSWORD: '${settings('POSTGRES_PASSWORD')}'
    volumes: ['pgdata:/var/lib/postgresql/data']
    healthcheck: { test: [CMD, pg_isready, -h, 127.0.0.1], interval: 1s, retries: 60 }
  redis:
    image: ${upstream.redis}
    container_name: ${project}-redis
    command: [redis-server, --requirepass, '${settings('REDIS_PASSWORD')}']
    volumes: ['redis:/data']
  gateway:
    image: adopt/gateway
    user: '0:0'
    depends_on: { db: { condition: service_healthy } }
    environment: { DEPLOY_ENV: dev, DB_HOST: db, DB_NAME: ${settings('POSTGRES_DB')}, DB_USER: ${settings('POSTGRES_USER')}, REDIS_ADDR: 'redis:6379', DB_PASSWORD_FILE: /run/secrets/db_password, REDIS_PASSWORD_FILE: /run/secrets/redis_password, WORKER_TOKEN_FILE: /run/secrets/worker_token, RAW_DIR: /data/raw }
    ports: ['${settings('BIND_IP')}:8081:8081']
    volumes: ['./raw:/data/raw', './secrets:/run/secrets:ro']
    restart: on-failure
  prometheus:
    image: ${upstream.prometheus}
  grafana:
    image: ${upstream.grafana}
    user: '0:0'
    volumes: ['../dev/data/grafana:/var/lib/grafana']
volumes: { pgdata: {}, redis: {} }
`;

/** Another project on the same daemon. */
export const shopFile = `
name: shop
services:
  cache:
    image: ${upstream.redis}
    volumes: ['data:/data']
volumes: { data: {} }
`;
