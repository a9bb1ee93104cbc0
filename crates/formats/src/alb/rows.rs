//! The columns of an ALB row, declared once: names, types, units, null rules.

use crate::cause::{AnsweredBy, Cause};
use crate::columns::{
    Dict, Enum, Float, Host, Int, IntPart, Long, Part, Path, Route, Text, Timestamp, Url, Wide, rows,
};
use crate::route::Routes;
use crate::value::Clock;

rows! {
    state {
        time_clock: Clock,
        created_clock: Clock,
    }
    groups {
        target,
        /// `ssl_cipher ssl_protocol target_group_arn`
        tls,
        /// `domain_name chosen_cert_arn matched_rule_priority`
        certificate,
        /// `actions_executed redirect_url error_reason`
        actions,
        /// `target:port_list target_status_code_list classification classification_reason`
        targets,
        /// `transformed_host transformed_uri request_transform_status`
        transform,
        /// `ip_address target_error_code elb_error_code`
        node,
    }
    columns {
        /// Arrival at the load balancer: `request_creation_time`, else `time` less the three processing times.
        started_at: Timestamp,
        /// Seconds from arrival to `time`. NULL where neither can be told. For WebSocket, the life of the connection.
        duration: Float;
        /// `http`, `https`, `h2`, `grpcs`, `ws`, `wss`, or what AWS adds.
        kind as "type": Dict;
        /// When the response was made (WebSocket: when the connection closed).
        time: Timestamp;
        /// Resource id, `app/<name>/<hex>`.
        elb: Dict;
        /// Peer of the load balancer: the client, or a proxy before it.
        client_ip: Wide;
        client_port: Int;
        /// NULL where no target was chosen.
        target_ip: Part, in target;
        target_port: IntPart, in target;
        /// Seconds from receiving the request to sending it on. NULL for -1: it was not sent.
        request_processing_time: Float;
        /// Seconds until the target began its response. NULL for -1: it did not.
        target_processing_time: Float;
        /// Seconds from the target's response to the client's. NULL for -1.
        response_processing_time: Float;
        /// Status that the client got; 0 for `000`.
        elb_status_code: Int;
        /// Status that the target gave; NULL where it gave none.
        target_status_code: Int;
        /// Bytes from the client, headers included.
        received_bytes: Long;
        /// Bytes to the client, headers included.
        sent_bytes: Long;
        request_verb: Dict;
        /// As the client sent it, escapes as logged.
        request_url: Url;
        request_proto: Dict;
        /// Host of the URL, lower case, without port.
        host: Host, in request_url;
        /// Path of the URL, without query.
        path: Path, in request_url;
        /// Template of the path, such as `/api/users/:id`.
        route: Route, in request_url;
        /// `target`, `load_balancer` or `client_gone`.
        answered_by: Enum<AnsweredBy>;
        /// Why it failed, as far as the row tells; NULL when nothing is wrong.
        cause: Enum<Cause>;
        user_agent: Wide;
        /// SNI host.
        domain_name: Part, in certificate;
        target_group_arn: Part, in tls;
        /// X-Amzn-Trace-Id.
        trace_id: Text;
        /// Joins to the connection log.
        conn_trace_id: Wide;
        /// 1 to 50000 a rule, 0 the default action, -1 an error while evaluating rules.
        matched_rule_priority: IntPart, in certificate;
        request_creation_time: Timestamp;
        actions_executed: Part, in actions;
        error_reason: Part, in actions;
        redirect_url: Part, in actions;
        ssl_cipher: Part, in tls;
        ssl_protocol: Part, in tls;
        chosen_cert_arn: Part, in certificate;
        target_port_list: Part, in targets;
        target_status_code_list: Part, in targets;
        classification: Part, in targets;
        classification_reason: Part, in targets;
        transformed_host: Part, in transform;
        transformed_uri: Part, in transform;
        request_transform_status: Part, in transform;
        /// Address of the load-balancer node.
        ip_address: Part, in node;
        /// HTTP/2 RST_STREAM code of the target, as logged (`0x8`).
        target_error_code: Part, in node;
        elb_error_code: Part, in node;
        /// Fields behind the 36th, as written.
        extra: Dict;
    }
}

impl Rows {
    pub(super) fn new(routes: Routes) -> Rows {
        Rows { request_url: Url::new(routes), ..Rows::default() }
    }
}
