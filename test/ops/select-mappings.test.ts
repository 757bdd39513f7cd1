import { describe, expect, test } from 'vitest';
import type { Project } from '../../src/config/project.ts';
import { selectedMappings } from '../../src/ops/select-mappings.ts';

const mappings = [
  { name: 'consent', class: 'governance', model: 'consents' },
  { name: 'customer', class: 'profile', model: 'customers', tags: ['crm', 'nightly'] },
  { name: 'customer-tier', class: 'profile', model: 'customers', tags: ['crm'] },
  { name: 'ticket', class: 'command', model: 'tickets', tags: ['support'] },
];
const models = [
  { name: 'consents', warehouse: 'lake' },
  { name: 'customers', warehouse: 'marts' },
  { name: 'tickets', warehouse: 'marts' },
];
const project = {
  mappings: new Map(mappings.map((each) => [each.name, each])),
  models: new Map(models.map((each) => [each.name, each])),
} as unknown as Project;

const select = (select: string[] | undefined, exclude?: string[], names: string[] = []) =>
  selectedMappings(project, { names, select, exclude }).map(({ name }) => name);

describe('a selection', () => {
  test.each([
    [undefined, undefined, ['consent', 'customer', 'customer-tier', 'ticket']],
    [['customer'], undefined, ['customer']],
    [['mapping:customer'], undefined, ['customer']],
    [['customer*'], undefined, ['customer', 'customer-tier']],
    [['class:governance'], undefined, ['consent']],
    [['tag:crm'], undefined, ['customer', 'customer-tier']],
    [['model:customers'], undefined, ['customer', 'customer-tier']],
    [['warehouse:marts'], undefined, ['customer', 'customer-tier', 'ticket']],
    [['ticket', 'class:governance'], undefined, ['consent', 'ticket']],
    [['ticket class:governance'], undefined, ['consent', 'ticket']],
    [['class:profile,tag:nightly'], undefined, ['customer']],
    [['class:profile,tag:nightly', 'ticket'], undefined, ['customer', 'ticket']],
    [['class:profile'], ['tag:nightly'], ['customer-tier']],
    [undefined, ['class:profile', 'consent'], ['ticket']],
    [['class:command,tag:crm'], undefined, []],
    [['class:behavior'], undefined, []],
    [['*'], ['*-tier'], ['consent', 'customer', 'ticket']],
  ])('%j less %j: %j', (wanted, less, expected) => {
    expect(select(wanted, less)).toEqual(expected);
  });

  test('names as arguments are terms, too; nobody is selected twice', () => {
    expect(select(['tag:crm'], undefined, ['ticket', 'customer'])).toEqual(['customer', 'customer-tier', 'ticket']);
  });

  test.each([
    [['custmer'], /no mapping named `custmer`/, /`customer`/],
    [['tag:crn'], /No mapping has the tag `crn`/, /`crm`/],
    [['model:customer'], /No mapping has the model `customer`/, /`customers`/],
    [['class:governence'], /No mapping has the class `governence`/, /`governance`/],
    [['clas:profile'], /no way to select by `clas`/, /`class`/],
    [['tag:x*'], /No mapping has the tag `x\*`/, /Known: `crm`/],
    [['class:profile,'], /empty part/, /class:profile,tag:crm/],
    [[''], /selection is empty/, /--select/],
    [['constructor:x'], /no way to select by `constructor`/, /Known/],
    [['customer.'], /no mapping named/, /customer/],
  ])('%j is refused with what is near', (wanted, message, suggestion) => {
    const attempt = () => select(wanted);
    expect(attempt).toThrow(message);
    try {
      attempt();
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID', suggestion: expect.stringMatching(suggestion) });
    }
  });

  test('an unknown word of the exclusion is refused, too', () => {
    expect(() => select(undefined, ['tag:typo'])).toThrow(/No mapping has the tag/);
  });
});
