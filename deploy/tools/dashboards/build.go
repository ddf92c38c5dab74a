package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard.
type board struct {
	uid, title, about string
	rows              []row
}

type row struct {
	title  string
	panels []panel
}

// panel shows a graph over time, or a number.
type panel struct {
	title, about string
	unit         string // one of Grafana's
	queries      []query
	number       bool // the last value, large
	stacked      bool
	width        uint32 // of 24; 0: 8
	// warn and bad are the values at which the colour changes; 0: never. With bad
	// below warn, less is worse.
	warn, bad float64
	most      float64 // end of the axis; 0: open
}

// query is an expression and the names of its lines. In expressions, $S selects
// the shown processes and $R is the interval of rates.
type query struct{ expr, legend string }

var placeholders = strings.NewReplacer("$S", `job="$job",instance=~"$instance"`, "$R", "$__rate_interval")

func (b board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.about).Tags([]string{"inlet"}).
		Readonly().Timezone("browser").Time("now-1h", "now").Refresh("30s").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("Inlet").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"inlet"}).AsDropdown(true).IncludeVars(true).KeepTime(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder("source").Label("Data source").Type("prometheus")).
		WithVariable(variable("job", "Job", `label_values(inlet_build_info, job)`)).
		WithVariable(variable("instance", "Process", `label_values(inlet_build_info{job="$job"}, instance)`).
			Multi(true).IncludeAll(true).AllValue(".+"))

	id := uint32(0)
	for _, r := range b.rows {
		id++
		d.WithRow(dashboard.NewRowBuilder(r.title).Id(id))
		for _, p := range r.panels {
			id++
			d.WithPanel(p.build(id))
		}
	}

	return d.Build()
}

func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${source}")}
}

func variable(name, label, values string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(source()).
		Query(dashboard.StringOrMap{String: &values}).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc)
}

func (p panel) build(id uint32) cog.Builder[dashboard.Panel] {
	if p.width == 0 {
		p.width = 8
	}

	if p.number {
		return stat.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Unit(p.unit).Datasource(source()).
			Span(p.width).Height(4).Thresholds(p.thresholds()).Targets(p.targets()).
			GraphMode(common.BigValueGraphModeArea)
	}

	b := timeseries.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Unit(p.unit).Datasource(source()).
		Span(p.width).Height(8).Min(0).Thresholds(p.thresholds()).Targets(p.targets()).
		FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
	if p.stacked {
		b.FillOpacity(40).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}

	if p.most != 0 {
		b.Max(p.most)
	}

	if p.warn != 0 {
		b.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}

	return b
}

func (p panel) targets() []cog.Builder[variants.Dataquery] {
	all := make([]cog.Builder[variants.Dataquery], len(p.queries))
	for i, q := range p.queries {
		all[i] = prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Datasource(source()).
			Expr(placeholders.Replace(q.expr)).LegendFormat(q.legend).Range()
	}

	return all
}

func (p panel) thresholds() *dashboard.ThresholdsConfigBuilder {
	steps := []dashboard.Threshold{{Color: "green"}}
	switch {
	case p.warn == 0:
	case p.bad < p.warn:
		steps = []dashboard.Threshold{{Color: "red"}, {Value: &p.bad, Color: "orange"}, {Value: &p.warn, Color: "green"}}
	default:
		steps = append(steps, dashboard.Threshold{Value: &p.warn, Color: "orange"}, dashboard.Threshold{Value: &p.bad, Color: "red"})
	}

	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}
