// The registry of Feast: `registry.db`, a protocol buffer, or what `feast registry-dump` prints of it, JSON of the same
// names. Fields that we have no use for are not read.
import { z } from 'zod'
import { Fault } from '../../../fault.ts'
import { readMessage } from './protobuf.ts'
import type { Schema } from './protobuf.ts'

/** feast/types/Value.proto, ValueType.Enum. */
const valueTypes = [
  'INVALID BYTES STRING INT32 INT64 DOUBLE FLOAT BOOL UNIX_TIMESTAMP - - BYTES_LIST STRING_LIST',
  'INT32_LIST INT64_LIST DOUBLE_LIST FLOAT_LIST BOOL_LIST UNIX_TIMESTAMP_LIST NULL MAP MAP_LIST',
  'BYTES_SET STRING_SET INT32_SET INT64_SET DOUBLE_SET FLOAT_SET BOOL_SET UNIX_TIMESTAMP_SET - - JSON',
  'JSON_LIST STRUCT STRUCT_LIST UUID TIME_UUID UUID_LIST TIME_UUID_LIST UUID_SET TIME_UUID_SET',
  'VALUE_LIST VALUE_SET DECIMAL DECIMAL_LIST DECIMAL_SET SCALAR_MAP ZONED_TIMESTAMP',
].flatMap((line) => line.split(' '))

// feast/core/*.proto of Feast 0.67; numbers of fields never change.
const feature: Schema = { 1: ['name', 'text'], 2: ['valueType', 'number'], 4: ['description', 'text'] }
const features = () => feature
const table: Schema = { 1: ['table', 'text'], 2: ['query', 'text'], 3: ['schema', 'text'], 4: ['database', 'text'] }
const source = (): Schema => ({
  20: ['name', 'text'],
  23: ['description', 'text'],
  24: ['tags', 'text', 'map'],
  25: ['owner', 'text'],
  2: ['fieldMapping', 'text', 'map'],
  3: ['timestampField', 'text'],
  26: ['batchSource', source],
  11: ['fileOptions', () => ({ 2: ['uri', 'text'] })],
  12: ['bigqueryOptions', () => table],
  13: ['kafkaOptions', () => ({ 1: ['kafkaBootstrapServers', 'text'], 2: ['topic', 'text'] })],
  14: ['kinesisOptions', () => ({ 1: ['region', 'text'], 2: ['streamName', 'text'] })],
  15: ['redshiftOptions', () => table],
  19: ['snowflakeOptions', () => table],
  18: ['requestDataOptions', () => ({ 3: ['schema', features, 'many'] })],
  27: ['sparkOptions', () => ({ 1: ['table', 'text'], 2: ['query', 'text'], 3: ['path', 'text'] })],
  30: ['trinoOptions', () => table],
  35: ['athenaOptions', () => ({ 1: ['table', 'text'], 2: ['query', 'text'], 3: ['database', 'text'] })],
})
const meta = (): Schema => ({ 1: ['createdTimestamp', 'time'], 2: ['lastUpdatedTimestamp', 'time'] })
const projection = (): Schema => ({ 1: ['featureViewName', 'text'], 2: ['featureColumns', features, 'many'] })
const common: Schema = { 1: ['name', 'text'], 2: ['project', 'text'] }
const viewSpec = (): Schema => ({
  ...common,
  3: ['entities', 'text', 'many'],
  4: ['features', features, 'many'],
  5: ['tags', 'text', 'map'],
  6: ['ttl', 'duration'],
  7: ['batchSource', source],
  9: ['streamSource', source],
  10: ['description', 'text'],
  11: ['owner', 'text'],
  12: ['entityColumns', features, 'many'],
  14: ['sourceViews', viewSpec, 'many'],
})
const viewMessage = (): Schema => ({ 1: ['spec', viewSpec], 2: ['meta', meta] })
const registry: Schema = {
  1: [
    'entities',
    () => ({
      1: [
        'spec',
        () => ({
          ...common,
          3: ['description', 'text'],
          4: ['joinKey', 'text'],
          8: ['tags', 'text', 'map'],
          10: ['owner', 'text'],
        }),
      ],
      2: ['meta', meta],
    }),
    'many',
  ],
  12: ['dataSources', source, 'many'],
  6: ['featureViews', viewMessage, 'many'],
  14: [
    'streamFeatureViews',
    () => ({
      1: [
        'spec',
        () => ({
          ...common,
          3: ['entities', 'text', 'many'],
          4: ['features', features, 'many'],
          5: ['entityColumns', features, 'many'],
          6: ['description', 'text'],
          7: ['tags', 'text', 'map'],
          8: ['owner', 'text'],
          9: ['ttl', 'duration'],
          10: ['batchSource', source],
          11: ['streamSource', source],
        }),
      ],
      2: ['meta', meta],
    }),
    'many',
  ],
  8: [
    'onDemandFeatureViews',
    () => ({
      1: [
        'spec',
        () => ({
          ...common,
          3: ['features', features, 'many'],
          4: [
            'sources',
            () => ({
              1: ['featureView', viewMessage],
              3: ['featureViewProjection', projection],
              2: ['requestDataSource', source],
            }),
            'map',
          ],
          6: ['description', 'text'],
          7: ['tags', 'text', 'map'],
          8: ['owner', 'text'],
          13: ['entities', 'text', 'many'],
        }),
      ],
      2: ['meta', meta],
    }),
    'many',
  ],
  19: [
    'labelViews',
    () => ({
      1: [
        'spec',
        () => ({
          ...common,
          3: ['entities', 'text', 'many'],
          4: ['features', features, 'many'],
          5: ['tags', 'text', 'map'],
          6: ['ttl', 'duration'],
          7: ['source', source],
          9: ['description', 'text'],
          10: ['owner', 'text'],
          11: ['entityColumns', features, 'many'],
        }),
      ],
      2: ['meta', meta],
    }),
    'many',
  ],
  7: [
    'featureServices',
    () => ({
      1: [
        'spec',
        () => ({
          ...common,
          3: ['features', projection, 'many'],
          4: ['tags', 'text', 'map'],
          5: ['description', 'text'],
          6: ['owner', 'text'],
        }),
      ],
      2: ['meta', meta],
    }),
    'many',
  ],
  17: ['projects', () => ({ 1: ['spec', () => ({ 1: ['name', 'text'] })] }), 'many'],
}

const text = z.string().optional()
const tags = z.record(z.string(), z.string()).optional()
const Column = z.looseObject({
  name: z.string(),
  valueType: z
    .union([z.string(), z.number()])
    .optional()
    .transform((type) => (typeof type === 'number' ? (valueTypes[type] ?? `type ${type}`) : type)),
  description: text,
})
const Columns = z.array(Column).default([])
const Named = z.looseObject({ table: text, query: text, schema: text, database: text, path: text })
const BaseSource = z.looseObject({
  name: text,
  description: text,
  tags,
  owner: text,
  fieldMapping: z.record(z.string(), z.string()).optional(),
  fileOptions: z.looseObject({ uri: text }).optional(),
  bigqueryOptions: Named.optional(),
  kafkaOptions: z.looseObject({ kafkaBootstrapServers: text, topic: text }).optional(),
  kinesisOptions: z.looseObject({ region: text, streamName: text }).optional(),
  redshiftOptions: Named.optional(),
  snowflakeOptions: Named.optional(),
  sparkOptions: Named.optional(),
  trinoOptions: Named.optional(),
  athenaOptions: Named.optional(),
  requestDataOptions: z.looseObject({ schema: z.unknown() }).optional(),
})
const Source = BaseSource.extend({ batchSource: BaseSource.optional() })
export type FeastSource = z.output<typeof Source>

const Meta = z.looseObject({ createdTimestamp: text, lastUpdatedTimestamp: text }).optional()
const Projection = z.looseObject({ featureViewName: z.string(), featureColumns: Columns })
const described = { name: z.string(), project: text, description: text, owner: text, tags, ttl: text }
const View = z.looseObject({
  spec: z.looseObject({
    ...described,
    entities: z.array(z.string()).default([]),
    features: Columns,
    entityColumns: Columns,
    batchSource: Source.optional(),
    streamSource: Source.optional(),
    source: Source.optional(),
    sourceViews: z.array(z.looseObject({ name: z.string() })).optional(),
    sources: z
      .record(
        z.string(),
        z.looseObject({
          featureView: z.looseObject({ spec: z.looseObject({ name: z.string() }) }).optional(),
          featureViewProjection: Projection.optional(),
          requestDataSource: Source.optional(),
        }),
      )
      .optional(),
  }),
  meta: Meta,
})
export type FeastView = z.output<typeof View>

const Service = z.looseObject({
  spec: z.looseObject({ ...described, features: z.array(Projection).default([]) }),
  meta: Meta,
})
export type FeastService = z.output<typeof Service>

const Views = z.array(View).default([])
const Registry = z.looseObject({
  project: text,
  projects: z.array(z.looseObject({ spec: z.looseObject({ name: text }).optional() })).optional(),
  entities: z.array(z.looseObject({ spec: z.looseObject({ ...described, joinKey: text }) })).default([]),
  featureViews: Views,
  streamFeatureViews: Views,
  onDemandFeatureViews: Views,
  labelViews: Views,
  featureServices: z.array(Service).default([]),
})
export type FeastRegistry = z.output<typeof Registry>

/** Reads either form. Throws `invalid` for what is neither. */
export function readRegistry(bytes: Uint8Array, name: string): FeastRegistry {
  if (bytes.length === 0) throw new Fault('invalid', `${name} is empty: has "feast apply" run?`)
  const json = bytes.find((byte) => byte > 0x20) === 0x7b
  let value: unknown
  try {
    value = json ? JSON.parse(new TextDecoder().decode(bytes)) : readMessage(bytes, registry)
  } catch (cause) {
    throw new Fault('invalid', `${name} cannot be read: ${(cause as Error).message}`, { cause })
  }
  const parsed = Registry.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Fault(
      'invalid',
      `${name} is no registry of Feast, at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
    )
  }
  const { featureViews, streamFeatureViews, onDemandFeatureViews, labelViews, featureServices, entities } = parsed.data
  const all = [featureViews, streamFeatureViews, onDemandFeatureViews, labelViews, featureServices, entities]
  if (all.every((each) => each.length === 0))
    throw new Fault('invalid', `${name} holds no entity, view or service of Feast: has "feast apply" run?`)
  return parsed.data
}
