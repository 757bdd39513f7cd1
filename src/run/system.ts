import type { SchemaRegistry } from '../contract/registry.ts';
import type { Spans } from '../core/spans.ts';
import type { ViewPlace } from '../core/view-tables.ts';
import type { GroupAdmin, PublisherFactory, RecordReader, TopicAdmin } from '../publish/publisher.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';

/** The outside world of a project: one adapter per role, made when first asked for. Closed once, at the end of the process. */
export interface System extends AsyncDisposable {
  /** Of headrace.yml's `warehouses`. Mappings of one warehouse share it. */
  warehouse(name: string): Promise<Warehouse>;
  /** Undefined where headrace.yml names no registry. */
  registry(): Promise<SchemaRegistry | undefined>;
  readonly publishers: PublisherFactory;
  readonly admin: TopicAdmin;
  readonly groups: GroupAdmin;
  readonly partitionOf: (key: string | Uint8Array, partitions: number) => number;
  /** A reader whose throw-away consumer groups begin with the prefix. */
  reader(groupIdPrefix: string): RecordReader;
  /** The copy of a snapshot topic in a folder. */
  openView(folder: string, topic: string): Promise<SnapshotView>;
  copyView(from: string, to: string): Promise<void>;
  /** Where traces go; NO_SPANS where nobody wants any. */
  spans(): Promise<Spans>;
  /** The view in a warehouse. Throws CONFIG_INVALID where that cannot hold one. */
  openRemoteView(warehouse: string, place: ViewPlace, dry: boolean): Promise<SnapshotView>;
}
