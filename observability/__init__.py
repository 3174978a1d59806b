"""What an operator watches Porter with. The dashboards are drawn here; the rules stand beside."""
