import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { HeadraceError } from '../../../src/core/errors.ts';
import { kafkaError } from '../../../src/publish/kafka/errors.ts';
import { kafkaConfig } from '../../conformance/publisher.ts';

const require = createRequire(import.meta.url);
const { createErrorFromCode } = require('kafkajs/src/protocol/error.js') as { createErrorFromCode(code: number): Error };
const { KafkaJSNumberOfRetriesExceeded } = require('kafkajs') as typeof import('kafkajs');

const config = kafkaConfig('broker-1:9092,broker-2:9092', { sasl: { mechanism: 'plain', username: 'svc', password: 'p4ss' } });
const context = { config, action: 'Sending records', topic: 'facts', operation: 'Write' as const, transactionalId: 'headrace.p.m' };

describe('kafkaError', () => {
  // Numbers: https://kafka.apache.org/protocol.html#protocol_error_codes
  it.each([
    [3, 'TOPIC_MISSING'],
    [10, 'RECORD_TOO_LARGE'],
    [29, 'KAFKA_DENIED'],
    [31, 'KAFKA_DENIED'],
    [53, 'KAFKA_DENIED'],
    [58, 'KAFKA_DENIED'],
    [45, 'OUTCOME_UNKNOWN'],
    [47, 'FENCED'],
    [49, 'OUTCOME_UNKNOWN'],
    [50, 'CONFIG_INVALID'],
    [59, 'OUTCOME_UNKNOWN'],
    [90, 'FENCED'],
    [120, 'OUTCOME_UNKNOWN'],
    [19, 'KAFKA_UNREACHABLE'],
    [9999, 'KAFKA_UNREACHABLE'],
  ])('turns error %i of the broker into %s, also when kafkajs wraps it', (number, code) => {
    const error = createErrorFromCode(number);
    const wrapped = new KafkaJSNumberOfRetriesExceeded(error as never, { retryCount: 1, retryTime: 1 } as never);
    expect(kafkaError(error, context).code).toBe(code);
    expect(kafkaError(wrapped, context).code).toBe(code);
  });

  it('names what failed, where, and the grant to add; never a password', () => {
    const error = kafkaError(createErrorFromCode(29), context);
    expect(error).toMatchObject({ message: 'Sending records failed: User:svc lacks Write on topic facts', path: 'facts' });
    expect(error.suggestion).toBe(
      'Missing grant: kafka-acls.sh --bootstrap-server broker-1:9092,broker-2:9092 --add --allow-principal User:svc --operation Write --topic facts (`headrace topics acl` prints every grant that is needed)',
    );
    expect(JSON.stringify(error)).not.toContain('p4ss');
  });

  it('hands a HeadraceError through, from any depth', () => {
    const own = new HeadraceError('KAFKA_DENIED', 'no token');
    expect(kafkaError(new Error('outer', { cause: new AggregateError([own]) }), context)).toBe(own);
  });

  it('takes what is no answer as unreachable, with the addresses', () => {
    for (const error of [new TypeError("Cannot destructure property 'brokers'"), new Error(''), 'text', undefined]) {
      expect(kafkaError(error, context)).toMatchObject({
        code: 'KAFKA_UNREACHABLE',
        message: expect.stringContaining('broker-1:9092, broker-2:9092'),
      });
    }
  });
});
