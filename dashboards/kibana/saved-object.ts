/** One object as Kibana exports and imports it: a line of NDJSON. */
export interface SavedObject {
  readonly type: 'index-pattern' | 'search' | 'dashboard';
  readonly id: string;
  readonly coreMigrationVersion: string;
  readonly typeMigrationVersion: string;
  readonly references: readonly Reference[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Reference {
  readonly type: SavedObject['type'];
  readonly id: string;
  readonly name: string;
}

/**
 * Versions of the form in which objects are written. Kibana brings older ones up to its own and refuses newer ones, so
 * these are the forms of 8.9: what 9.x exports itself (10.x) can be imported by nothing before it.
 */
const versions: Readonly<Record<SavedObject['type'], string>> = {
  'index-pattern': '8.0.0',
  search: '8.0.0',
  dashboard: '8.9.0',
};

export const savedObject = (
  object: Pick<SavedObject, 'type' | 'id' | 'references' | 'attributes'>,
): SavedObject => ({
  type: object.type,
  id: object.id,
  coreMigrationVersion: '8.8.0',
  typeMigrationVersion: versions[object.type],
  references: object.references,
  attributes: object.attributes,
});

export const ndjson = (objects: readonly object[]): string =>
  objects.map((object) => `${JSON.stringify(object)}\n`).join('');
