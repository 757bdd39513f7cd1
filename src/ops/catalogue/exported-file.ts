/** A document that is made from the project's files alone: no warehouse, Kafka or registry is asked. */
export interface ExportedFile {
  /** File name without a folder. */
  readonly name: string;
  readonly text: string;
}
