//! Functions whose value nobody outside the server can know, or that depend on where a window happens to begin.

use super::Function;

pub(super) const FUNCTION: Function = Function {
    names: &[
        "cumsum",
        "integral",
        "autosmooth",
        "anomalies",
        "forecast",
        "outliers",
        "piecewise_constant",
        "robust_trend",
        "trend_line",
    ],
    read: |arguments| {
        Err(match arguments.name() {
            "cumsum" | "integral" => {
                "its value depends on where the window begins; sum over the window instead, with `.as_count()`"
            }
            "autosmooth" => "its span is chosen by the server",
            "anomalies" => "its band is computed by the server in ways that are not published",
            "outliers" => "the constants of its algorithms are not published",
            _ => "its model is not published",
        }
        .to_owned())
    },
};
