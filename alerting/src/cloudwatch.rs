//! The monitors on AWS metrics as CloudWatch alarms, in a CloudFormation template. Each alarm looks at the worst
//! resource of its kind, because an alarm has one time series. What cannot be said is listed with its reason.

use serde_json::{Map, Value, json};

use crate::prometheus::alert_name;
use crate::query::Query;
use crate::query::tree::{
    Alert, Comparator, Expr, MetricAlert, MetricQuery, Operator, TimeAggregator,
};
use crate::set::{Definition, Item, Set, text_at};

/// Alarms evaluate whole minutes.
const PERIOD_S: u64 = 60;

/// A template and what is not in it.
#[derive(Debug, Clone)]
pub struct Alarms {
    /// A CloudFormation template; its parameter is the topic that is told.
    pub document: Value,
    /// Names of monitors on AWS metrics that have no alarm, and why.
    pub left_out: Vec<(String, String)>,
}

/// A Datadog metric's origin: namespace, metric, dimensions of its schema.
struct Origin {
    datadog: &'static str,
    namespace: &'static str,
    metric: &'static str,
    dimensions: &'static [&'static str],
}

const fn origin(
    datadog: &'static str,
    namespace: &'static str,
    metric: &'static str,
    dimensions: &'static [&'static str],
) -> Origin {
    Origin {
        datadog,
        namespace,
        metric,
        dimensions,
    }
}

const ORIGINS: &[Origin] = &[
    origin(
        "aws.ecs.service.cpuutilization",
        "AWS/ECS",
        "CPUUtilization",
        &["ClusterName", "ServiceName"],
    ),
    origin(
        "aws.ecs.service.memory_utilization",
        "AWS/ECS",
        "MemoryUtilization",
        &["ClusterName", "ServiceName"],
    ),
    origin(
        "aws.rds.cpuutilization",
        "AWS/RDS",
        "CPUUtilization",
        &["DBInstanceIdentifier"],
    ),
    origin(
        "aws.rds.free_storage_space",
        "AWS/RDS",
        "FreeStorageSpace",
        &["DBInstanceIdentifier"],
    ),
    origin(
        "aws.rds.database_connections",
        "AWS/RDS",
        "DatabaseConnections",
        &["DBInstanceIdentifier"],
    ),
    origin(
        "aws.elasticache.engine_cpuutilization",
        "AWS/ElastiCache",
        "EngineCPUUtilization",
        &["CacheClusterId"],
    ),
    origin(
        "aws.applicationelb.httpcode_elb_5xx",
        "AWS/ApplicationELB",
        "HTTPCode_ELB_5XX_Count",
        &["LoadBalancer"],
    ),
    origin(
        "aws.applicationelb.httpcode_target_5xx",
        "AWS/ApplicationELB",
        "HTTPCode_Target_5XX_Count",
        &["LoadBalancer"],
    ),
    origin(
        "aws.applicationelb.request_count",
        "AWS/ApplicationELB",
        "RequestCount",
        &["LoadBalancer"],
    ),
    origin(
        "aws.lambda.errors",
        "AWS/Lambda",
        "Errors",
        &["FunctionName"],
    ),
    origin(
        "aws.lambda.invocations",
        "AWS/Lambda",
        "Invocations",
        &["FunctionName"],
    ),
    origin(
        "aws.lambda.throttles",
        "AWS/Lambda",
        "Throttles",
        &["FunctionName"],
    ),
    origin(
        "aws.sqs.approximate_number_of_messages_visible",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        &["QueueName"],
    ),
    origin(
        "aws.sqs.approximate_age_of_oldest_message",
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        &["QueueName"],
    ),
];

/// One alarm per monitor that queries an AWS metric.
pub fn alarms(set: &Set) -> Alarms {
    let mut resources = Map::new();
    let mut left_out = Vec::new();
    for item in &set.items {
        let Definition::Monitor(_) = &item.definition else {
            continue;
        };
        let Ok(query) = Query::parse(text_at(&item.object.payload, "query")) else {
            continue;
        };
        if !query
            .metrics()
            .iter()
            .any(|metric| metric.name.starts_with("aws."))
        {
            continue;
        }
        let alarm = match &query.alert {
            Alert::Metric(metric) => alarm(item, metric),
            _ => Err("only a metric query has an alarm".to_owned()),
        };
        match alarm {
            Ok(alarm) => drop(resources.insert(alert_name(item.name()), alarm)),
            Err(reason) => left_out.push((item.name().to_owned(), reason)),
        }
    }
    let topic =
        json!({ "Type": "String", "Description": "ARN of the SNS topic that alarms notify" });
    let document = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "CloudWatch alarms of the shop, generated from its monitors",
        "Parameters": { "AlarmTopic": topic },
        "Resources": resources,
    });
    Alarms { document, left_out }
}

fn alarm(item: &Item, alert: &MetricAlert) -> Result<Value, String> {
    if alert.change.is_some() {
        return Err("an alarm cannot compare with another time".to_owned());
    }
    let periods = alert.window.span().seconds().div_ceil(PERIOD_S).max(1);
    // A sum over the window is one long period; other aggregations look at each minute of it.
    let summed = alert.aggregator == TimeAggregator::Sum;
    let (period, periods) = if summed {
        (periods * PERIOD_S, 1)
    } else {
        (PERIOD_S, periods)
    };
    let breaching = match alert.aggregator {
        TimeAggregator::Max if alert.comparison.comparator.is_above() => 1,
        _ => periods,
    };
    let mut metrics = Metrics {
        period,
        list: Vec::new(),
    };
    let result = metrics.expr(&alert.expr)?;
    if let Some(last) = metrics
        .list
        .iter_mut()
        .find(|metric| metric["Id"] == result.as_str())
    {
        last["ReturnData"] = true.into();
    }
    let comparison = operator(alert.comparison.comparator)?;
    let name = item.name();
    Ok(json!({
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": format!("{}-{name}", item.object.key.namespace),
            "AlarmDescription": format!("The same condition as the monitor `{name}`, for the worst resource."),
            "Metrics": metrics.list,
            "EvaluationPeriods": periods,
            "DatapointsToAlarm": breaching,
            "Threshold": alert.comparison.threshold,
            "ComparisonOperator": comparison,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{ "Ref": "AlarmTopic" }],
            "OKActions": [{ "Ref": "AlarmTopic" }],
        }
    }))
}

fn operator(comparator: Comparator) -> Result<&'static str, String> {
    Ok(match comparator {
        Comparator::Above => "GreaterThanThreshold",
        Comparator::AboveOrEqual => "GreaterThanOrEqualToThreshold",
        Comparator::Below => "LessThanThreshold",
        Comparator::BelowOrEqual => "LessThanOrEqualToThreshold",
        Comparator::Equal | Comparator::NotEqual => {
            return Err("an alarm cannot ask for equality".to_owned());
        }
    })
}

/// The metrics of one alarm: queries m1, m2 … and at most one expression over them.
struct Metrics {
    period: u64,
    list: Vec<Value>,
}

impl Metrics {
    /// Adds what an expression needs and says under which id its value is.
    fn expr(&mut self, expr: &Expr) -> Result<String, String> {
        if let Expr::Metric(query) = expr {
            return self.metric(query);
        }
        let text = self.math(expr)?;
        self.list
            .push(json!({ "Id": "result", "Expression": text, "ReturnData": false }));
        Ok("result".to_owned())
    }

    fn math(&mut self, expr: &Expr) -> Result<String, String> {
        match expr {
            Expr::Number(number) => Ok(number.to_string()),
            Expr::Metric(query) => self.metric(query),
            Expr::Group(inner) => Ok(format!("({})", self.math(inner)?)),
            Expr::Negate(inner) => Ok(format!("-({})", self.math(inner)?)),
            Expr::Arithmetic { first, rest } => {
                let mut text = self.math(first)?;
                for (operator, operand) in rest {
                    text = format!(
                        "{text} {} {}",
                        Operator::text(*operator),
                        self.math(operand)?
                    );
                }
                Ok(text)
            }
            Expr::Call(call) if call.function == "default_zero" => match call.positional().next() {
                Some(crate::query::tree::Value::Expr(inner)) => {
                    Ok(format!("FILL({}, 0)", self.math(inner)?))
                }
                _ => Err("default_zero has no expression".to_owned()),
            },
            Expr::Call(call) => Err(format!("CloudWatch has no `{}`", call.function)),
            Expr::Variable(name) => Err(format!("there is no query `{name}`")),
        }
    }

    fn metric(&mut self, query: &MetricQuery) -> Result<String, String> {
        use crate::query::tree::SpaceAggregator as Space;
        let origin = ORIGINS.iter().find(|origin| origin.datadog == query.name);
        let origin =
            origin.ok_or_else(|| format!("`{}` is not in the table of AWS metrics", query.name))?;
        let function = match query.aggregator {
            Some(Space::Sum) => "SUM",
            Some(Space::Min) => "MIN",
            // Grouped averages alert for each resource: the worst one decides.
            Some(Space::Max) => "MAX",
            Some(Space::Avg) | None if !query.by.is_empty() => "MAX",
            Some(Space::Avg) | None => "AVG",
            Some(_) => return Err("CloudWatch has no such aggregation".to_owned()),
        };
        let Origin {
            namespace, metric, ..
        } = origin;
        let schema = format!("SCHEMA(\"{namespace}\", {})", origin.dimensions.join(", "));
        let id = format!("m{}", self.list.len() + 1);
        let expression = format!("SELECT {function}({metric}) FROM {schema}");
        self.list.push(json!({ "Id": id, "Expression": expression, "Period": self.period, "ReturnData": false }));
        Ok(id)
    }
}
