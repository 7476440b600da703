// What a dashboard of ours may say: Grafana's own types of dashboards and of each kind of panel in
// use, as JSON has them. Stricter than Grafana: a kind of panel, or a field of a query, that is not
// named here is refused.

import type * as base from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as series from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** JSON has the values of enums, not their names. */
type Json<T> = T extends string ? `${T}`
  : T extends number ? (`${T}` extends `${infer N extends number}` ? N : T)
  : T extends boolean | null | undefined ? T
  : T extends (infer E)[] ? Json<E>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

type Query = { refId: string; expr: string; legendFormat?: string; instant?: boolean; format?: 'table' };
type Common = Omit<base.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'>;
type Panel<Type extends string, Options, Custom = {}> = Common & {
  type: Type;
  options: Partial<Options>;
  targets: Query[];
  fieldConfig: Omit<base.FieldConfigSource, 'defaults'> & {
    defaults: Omit<base.FieldConfig, 'custom'> & { custom?: Custom };
  };
};
type Text = Common & { type: 'text'; options: text.Options };
type Shown =
  | Panel<'stat', stat.Options>
  | Panel<'bargauge', bargauge.Options>
  | Panel<'timeseries', series.Options, series.FieldConfig>
  | Panel<'state-timeline', timeline.Options, timeline.FieldConfig>
  | Panel<'table', table.Options, table.FieldConfig>
  | Text;
type Row = Omit<base.RowPanel, 'panels'> & { panels: Shown[] };
type Annotation = Omit<base.AnnotationQuery, 'target'> &
  ({ target: base.AnnotationTarget } | { expr: string; useValueForTime: boolean; titleFormat: string; textFormat: string });
export type Board = Json<
  Omit<base.Dashboard, 'panels' | 'annotations'> & { panels: (Shown | Row)[]; annotations: { list: Annotation[] } }
>;
