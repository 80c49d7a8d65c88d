// Facets of the events that the import of MLflow makes.
export const PRODUCER = 'urn:whence:import:mlflow'

const versions = {
  DatasetVersionDataset: '1-0-1',
  DocumentationDataset: '1-1-0',
  DocumentationJob: '1-1-0',
  JobTypeJob: '2-0-4',
  ProcessingEngineRun: '1-1-1',
  SchemaDataset: '1-2-0',
} as const

export function facet(name: keyof typeof versions | 'CodeVersion', body: object): object {
  const _schemaURL =
    name === 'CodeVersion'
      ? 'urn:whence:facets:1-0-0:WhenceCodeVersionFacet#/$defs/WhenceCodeVersionFacet'
      : `https://openlineage.io/spec/facets/${versions[name]}/${name}Facet.json#/$defs/${name}Facet`
  return { _producer: PRODUCER, _schemaURL, ...body }
}
