import { readVersion } from './cli/version.ts';
import { publishedMappings } from './config/also-versions.ts';
import type { Project, WarehouseConfig } from './config/project.ts';
import { HeadraceError } from './core/errors.ts';
import { NO_SPANS } from './core/spans.ts';
import { grantsFor, type Purpose } from './publish/grants.ts';
import { KafkaGroupAdmin } from './publish/kafka/group-admin.ts';
import { KafkaPublisherFactory } from './publish/kafka/kafka-publisher.ts';
import { partitionOf } from './publish/kafka/partitioner.ts';
import { KafkaRecordReader } from './publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from './publish/kafka/topic-admin.ts';
import type { System } from './run/system.ts';
import { LocalView } from './snapshot/local/local-view.ts';
import type { Tracing } from './telemetry/otlp.ts';
import type { Warehouse } from './warehouse/warehouse.ts';

/**
 * The only file that names concrete adapters. Their drivers are loaded when first used: a run on PostgreSQL never pays for DuckDB. Where the broker refuses something,
 * the error names what is missing for the purpose.
 */
export function composeSystem(project: Project, purpose: Purpose = 'run'): System {
  const grants = grantsFor(project, publishedMappings(project, project.mappings.values(), Date.now()), [purpose]);
  const warehouses = new Map<string, Promise<Warehouse>>();
  const admin = new KafkaTopicAdmin(project.kafka, { grants });
  const warehouseOf = (name: string) => {
    const warehouse = warehouses.get(name) ?? openWarehouse(project, name);
    warehouses.set(name, warehouse);
    return warehouse;
  };
  return {
    warehouse: warehouseOf,
    registry: async () => {
      const { registry } = project;
      if (registry === undefined) return undefined;
      return new (await import('./contract/confluent/registry.ts')).ConfluentRegistry(registry);
    },
    publishers: new KafkaPublisherFactory(project.kafka, { grants }),
    admin,
    groups: new KafkaGroupAdmin(project.kafka),
    partitionOf,
    reader: (groupIdPrefix) => new KafkaRecordReader(project.kafka, { groupIdPrefix, grants }),
    spans: async () => (await tracingOf(process.env))?.spans ?? NO_SPANS,
    openView: (folder, topic) => LocalView.open(folder, topic),
    copyView: (from, to) => LocalView.copy(from, to),
    openRemoteView: async (name, place, dry) => {
      const { views } = await warehouseOf(name);
      return (await import('./snapshot/warehouse/warehouse-view.ts')).WarehouseView.open(views.tables(place), place.topic, dry);
    },
    [Symbol.asyncDispose]: async () => {
      const opened = await Promise.allSettled(warehouses.values());
      await Promise.all(opened.map((w) => (w.status === 'fulfilled' ? w.value.close() : undefined)));
      await admin.close();
    },
  };
}

/** One for the process: its spans wait together. */
let tracing: Promise<Tracing> | undefined;

/** Undefined where no variable names a collector: then nothing of OpenTelemetry is loaded. */
async function tracingOf(env: NodeJS.ProcessEnv): Promise<Tracing | undefined> {
  const isWanted = [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some((url) => url !== undefined && url !== '');
  if (!isWanted || env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  tracing ??= import('./telemetry/otlp.ts').then(({ openTracing }) => openTracing(env, readVersion()));
  return tracing;
}

/** For the end of the process. */
export async function flushTraces(): Promise<void> {
  await (await tracing)?.flush();
}

async function openWarehouse(project: Project, name: string): Promise<Warehouse> {
  const config = project.warehouses.get(name);
  if (config === undefined) throw new HeadraceError('CONFIG_INVALID', `There is no warehouse named ${name} in headrace.yml.`);
  return createWarehouse(config);
}

export async function createWarehouse(config: WarehouseConfig): Promise<Warehouse> {
  switch (config.type) {
    case 'postgres':
      return new (await import('./warehouse/postgres/warehouse.ts')).PostgresWarehouse(config);
    case 'duckdb':
      return new (await import('./warehouse/duckdb/warehouse.ts')).DuckDbWarehouse(config);
    case 'snowflake':
      return new (await import('./warehouse/snowflake/warehouse.ts')).SnowflakeWarehouse(config);
    case 'bigquery':
      return new (await import('./warehouse/bigquery/warehouse.ts')).BigQueryWarehouse(config);
  }
}
