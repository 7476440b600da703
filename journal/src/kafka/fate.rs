//! What a delivery report says about a record: in the log, certainly not, or in doubt.
//!
//! Invariant: only what the broker or librdkafka decides by the record itself, so that every
//! attempt must have ended the same way, is [`AppendError::Refused`]. librdkafka tries again behind
//! our back, and the code it ends with is that of the last attempt: an earlier one may have been
//! appended. Never here: a guess in favour of "refused".

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::AppendError;

/// The fate of a record that the producer had taken, by the error in its delivery report.
pub(super) fn of_report(error: &KafkaError) -> AppendError {
    let sentence = error.to_string();
    match error {
        KafkaError::MessageProduction(code) if is_certain(*code) => AppendError::Refused(sentence),
        // A report has no other kind, and of another nothing would be known.
        KafkaError::MessageProduction(_) | _ => AppendError::InDoubt(sentence),
    }
}

/// Whether a record that ended with this code is certainly not in the log.
const fn is_certain(code: Code) -> bool {
    match code {
        // Found in the record, before or instead of appending it; the same at every attempt.
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidTimestamp
        | Code::InvalidRecord
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedCompressionType => true,
        // Ran out of time or connection: sent perhaps, appended perhaps.
        Code::MessageTimedOut
        | Code::TimedOutQueue
        | Code::RequestTimedOut
        | Code::OperationTimedOut
        | Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::NetworkException
        | Code::BrokerDestroy
        | Code::DestroyBroker
        // Appended, and not by enough replicas; or not, but an earlier attempt may have been.
        | Code::NotEnoughReplicasAfterAppend
        | Code::NotEnoughReplicas
        | Code::ISRInsufficient
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::KafkaStorageError
        | Code::InvalidMessage
        // The producer went, with the record in its queue: it may have been sent before.
        | Code::PurgeQueue
        | Code::PurgeInflight
        // Sequence numbers: the broker and we disagree about what it has.
        | Code::OutOfOrderSequenceNumber
        | Code::DuplicateSequenceNumber
        | Code::UnknownProducerId
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::ProducerFenced
        | Code::Fenced
        | Code::GaplessGuarantee
        | Code::Inconsistent
        // Changed while the campaign runs: earlier attempts were under other settings.
        | Code::UnknownPartition
        | Code::InvalidTopic
        | Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopicId
        | Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication
        | Code::SSL
        | Code::PolicyViolation
        | Code::ThrottlingQuotaExceeded
        | Code::InvalidRequiredAcks
        | Code::UnsupportedVersion
        | Code::InvalidRequest
        | Code::Unknown
        | Code::Fail
        | Code::State
        // And what does not belong to producing, or will be added to it.
        | Code::Fatal
        | _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(code: Code) -> AppendError {
        of_report(&KafkaError::MessageProduction(code))
    }

    #[test]
    fn a_record_is_refused_only_for_what_is_wrong_with_itself() {
        for code in [Code::MessageSizeTooLarge, Code::InvalidTimestamp, Code::InvalidRecord] {
            assert!(matches!(fate(code), AppendError::Refused(_)), "{code:?}");
        }
    }

    #[test]
    fn a_record_that_may_have_been_sent_once_is_in_doubt() {
        for code in [
            Code::MessageTimedOut,
            Code::NotEnoughReplicas,
            Code::PurgeQueue,
            Code::TopicAuthorizationFailed,
            Code::Fatal,
            Code::NonEmptyGroup,
        ] {
            assert!(matches!(fate(code), AppendError::InDoubt(_)), "{code:?}");
        }
        assert!(matches!(of_report(&KafkaError::Canceled), AppendError::InDoubt(_)));
    }
}
