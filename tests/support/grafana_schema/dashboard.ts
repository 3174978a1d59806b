/** What Porter's dashboards are made of: Grafana's own types, put together for the panels that they use. */
import type { DataQuery } from '@grafana/schema/common/common.gen';
import type * as stat from '@grafana/schema/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as text from '@grafana/schema/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type {
  Dashboard as AnyDashboard,
  DataSourceRef,
  FieldConfig as AnyFieldConfig,
  FieldConfigSource,
  Panel as AnyPanel,
} from '@grafana/schema/raw/dashboard/x/dashboard_types.gen';

/** A query of the Prometheus data source, which no longer ships its type: the fields that are used of it. */
interface Query extends Omit<DataQuery, 'datasource'> {
  datasource: DataSourceRef;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
}

interface Fields<Custom> extends Omit<FieldConfigSource, 'defaults'> {
  defaults: Omit<AnyFieldConfig, 'custom'> & { custom?: Custom };
}

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<AnyPanel, 'type' | 'options' | 'targets' | 'fieldConfig'> {
  type: Type;
  options: Options;
  fieldConfig?: Fields<Custom>;
  targets?: Query[];
}

type Panel =
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'stat', stat.Options, Record<string, never>>
  | PanelOf<'text', text.Options, Record<string, never>>;

export interface Dashboard extends Omit<AnyDashboard, 'panels'> {
  panels: Panel[];
}
