import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLEnumValueConfigMap,
  type GraphQLFieldConfigMap,
  type GraphQLInputFieldConfig,
  type GraphQLInputFieldConfigMap,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  GraphQLUnionType,
} from 'graphql';
import type { Portable, PortableField } from '../../contract/portable.ts';
import { graphqlType } from '../../contract/protocol-types.ts';
import { edgesOf, nodesOf, pageInfoOf } from './connection.ts';
import type { LinkField } from './links.ts';
import { memberField } from './names.ts';
import { SCALARS } from './scalars.ts';

type Union = Portable & { readonly kind: 'union' };
type Enum = Portable & { readonly kind: 'enum' };

/** What a field of ours knows beyond GraphQL. */
export interface FieldExtensions {
  readonly link?: LinkField;
}

/** A type needs a field; this one stands in an object that has none of its own. */
const NOTHING = '_';

const entries = (map: object | null | undefined) => map && Object.entries(map).map(([key, value]) => ({ key, value }));

/** GraphQL's types of the portable ones, each made once. Named as `graphqlType()` says. */
export class GraphqlTypes {
  private readonly made = new Map<string, { readonly what: string; readonly type: GraphQLNamedType }>();
  private readonly links: ReadonlyMap<string, readonly LinkField[]>;

  constructor(links: ReadonlyMap<string, readonly LinkField[]>) {
    this.links = links;
  }

  output(type: Portable): GraphQLOutputType {
    switch (type.kind) {
      case 'list':
        return new GraphQLList(new GraphQLNonNull(this.output(type.of)));
      case 'map':
        return new GraphQLList(new GraphQLNonNull(this.entry(type.of)));
      case 'object':
        return this.object(type.name, type.fields);
      case 'union':
        return this.union(type);
      case 'enum':
        return this.enum(type);
      default:
        return SCALARS[type.kind];
    }
  }

  input(type: Portable): GraphQLInputType {
    switch (type.kind) {
      case 'list':
        return new GraphQLList(new GraphQLNonNull(this.input(type.of)));
      case 'map':
        return new GraphQLList(new GraphQLNonNull(this.inputEntry(type.of)));
      case 'object':
        return this.inputObject(graphqlType(type, 'input'), type.fields);
      case 'union':
        return this.oneOf(type);
      case 'enum':
        return this.enum(type);
      default:
        return SCALARS[type.kind];
    }
  }

  /** A field of an input, or an argument. */
  inputField({ type, presence, default: fallback }: PortableField): GraphQLInputFieldConfig {
    const made = this.input(type);
    if (presence === 'required' && type.kind !== 'json') return { type: new GraphQLNonNull(made as never) };
    return presence === 'default' ? { type: made, defaultValue: fallback } : { type: made };
  }

  object(name: string, fields: () => readonly PortableField[]): GraphQLObjectType {
    return this.once(name, 'object', () => new GraphQLObjectType({ name, fields: () => this.outputFields(name, fields()) }));
  }

  inputObject(name: string, fields: () => readonly PortableField[]): GraphQLInputObjectType {
    const made = () => Object.fromEntries(fields().map((field) => [field.name, this.inputField(field)]));
    return this.once(name, 'input', () => new GraphQLInputObjectType({ name, fields: () => filled(made()) }));
  }

  /** A page of objects the way Relay and Apollo expect it. */
  connection(item: Portable): GraphQLObjectType {
    if (item.kind !== 'object') throw new Error(`a page holds objects, not ${item.kind}`);
    const node = this.object(item.name, item.fields);
    const pageInfo = this.once('PageInfo', 'page', () => PAGE_INFO);
    const edge = this.once(
      `${item.name}Edge`,
      'edge',
      () =>
        new GraphQLObjectType({
          name: `${item.name}Edge`,
          fields: {
            node: { type: new GraphQLNonNull(node) },
            cursor: { type: GraphQLString, description: 'Known of the last edge of a page that others follow.' },
          },
        }),
    );
    return this.once(
      `${item.name}Connection`,
      'connection',
      () =>
        new GraphQLObjectType({
          name: `${item.name}Connection`,
          fields: {
            nodes: { type: listOf(node), resolve: nodesOf },
            edges: { type: listOf(edge), resolve: edgesOf },
            pageInfo: { type: new GraphQLNonNull(pageInfo), resolve: pageInfoOf },
          },
        }),
    );
  }

  private outputFields(owner: string, fields: readonly PortableField[]): GraphQLFieldConfigMap<any, any> {
    const made: GraphQLFieldConfigMap<any, any> = {};
    for (const { name, type, presence } of fields) {
      const of = this.output(type);
      made[name] = {
        type: presence === 'required' && type.kind !== 'json' ? new GraphQLNonNull(of) : of,
        resolve: type.kind === 'map' ? (parent) => entries(parent[name]) : (parent) => parent[name],
      };
    }
    for (const link of this.links.get(owner) ?? []) {
      if (made[link.field]) throw new Error(`${owner} has a field "${link.field}" and a link of that name`);
      const { item, operation } = link.target;
      made[link.field] = {
        type: this.object(item.name, item.fields),
        description: `By \`${link.by}\`, as \`${operation.contract.name}\` answers it; null where there is none.`,
        extensions: { link } satisfies FieldExtensions as never,
      };
    }
    return filled(made);
  }

  private union({ name, tag, members }: Union): GraphQLUnionType {
    return this.once(name, 'union', () => {
      const names = new Map<string, string>();
      const types = () =>
        members().map((member) => {
          names.set(member.value, member.name);
          return this.object(member.name, member.fields);
        });
      return new GraphQLUnionType({ name, types, resolveType: (value) => names.get(value[tag]) });
    });
  }

  private oneOf({ name, members }: Union): GraphQLInputObjectType {
    const type = `${name}Input`;
    const fields = () =>
      Object.fromEntries(
        members().map((member) => [memberField(member), { type: this.inputObject(`${member.name}Input`, member.fields) }]),
      );
    return this.once(type, 'oneOf', () => new GraphQLInputObjectType({ name: type, isOneOf: true, fields }));
  }

  private entry(of: Portable): GraphQLObjectType {
    const name = `${graphqlType(of, 'output')}Entry`;
    const fields = () => ({
      key: { type: new GraphQLNonNull(GraphQLString) },
      value: { type: new GraphQLNonNull(this.output(of)) },
    });
    return this.once(name, 'entry', () => new GraphQLObjectType({ name, fields }));
  }

  private inputEntry(of: Portable): GraphQLInputObjectType {
    const name = `${graphqlType(of, 'input')}EntryInput`;
    const fields = () => ({
      key: { type: new GraphQLNonNull(GraphQLString) },
      value: { type: new GraphQLNonNull(this.input(of) as never) },
    });
    return this.once(name, 'inputEntry', () => new GraphQLInputObjectType({ name, fields }));
  }

  private enum({ name, values }: Enum): GraphQLEnumType {
    const config: GraphQLEnumValueConfigMap = Object.fromEntries(values.map((value) => [value, {}]));
    return this.once(name, `enum of ${values.join(', ')}`, () => new GraphQLEnumType({ name, values: config }));
  }

  private once<T extends GraphQLNamedType>(name: string, what: string, make: () => T): T {
    const known = this.made.get(name);
    if (known && known.what !== what) throw new Error(`GraphQL would have two types named ${name}: rename one of the schemas`);
    if (known) return known.type as T;
    const type = make();
    this.made.set(name, { what, type });
    return type;
  }
}

const listOf = (type: GraphQLObjectType) => new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));

const PAGE_INFO = new GraphQLObjectType({
  name: 'PageInfo',
  fields: {
    hasNextPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    endCursor: { type: GraphQLString, description: 'Pass it as `after` for the next page; null on the last one.' },
  },
});

const filled = <F extends GraphQLFieldConfigMap<any, any> | GraphQLInputFieldConfigMap>(fields: F): F =>
  Object.keys(fields).length > 0 ? fields : ({ [NOTHING]: { type: GraphQLBoolean } } as unknown as F);
