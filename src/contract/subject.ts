import type { Mapping, SubjectStrategy } from '../config/project.ts';
import { type FactShape, fullNameOf } from './fact-shape.ts';

/** The subject of a schema: Confluent's TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy. */
export function subjectOf(strategy: SubjectStrategy, mapping: Mapping, shape: FactShape, part: 'value' | 'key'): string {
  switch (strategy) {
    case 'topic':
      return `${mapping.topic}-${part}`;
    case 'record':
      return fullNameOf(shape);
    case 'topic_record':
      return `${mapping.topic}-${fullNameOf(shape)}`;
  }
}
