import type { Node, Value } from '../../query/ast.ts';
import { ecsFields } from '../../sinks/ecs/fields.ts';

/** A query of Elasticsearch that finds what Kibana finds for this KQL. */
export function elasticQuery(node: Node): object {
  switch (node.type) {
    case 'all':
      return { match_all: {} };
    case 'and':
      return { bool: { filter: node.items.map(elasticQuery) } };
    case 'or':
      return { bool: { should: node.items.map(elasticQuery), minimum_should_match: 1 } };
    case 'not':
      return { bool: { must_not: [elasticQuery(node.item)] } };
    case 'match':
      return {
        bool: { should: node.values.map((value) => one(node.field, value)), minimum_should_match: 1 },
      };
    default: {
      const operator = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' }[node.operator];
      return { range: { [node.field]: { [operator]: node.value.parts.join('*') } } };
    }
  }
}

function one(field: string, { parts }: Value): object {
  if (parts.length === 1) {
    const isText = ecsFields.get(field)?.type === 'match_only_text';
    return { [isText ? 'match_phrase' : 'term']: { [field]: parts[0] } };
  }
  return parts.join('') === '' ? { exists: { field } } : { wildcard: { [field]: parts.join('*') } };
}
