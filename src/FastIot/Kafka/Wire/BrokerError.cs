namespace FastIot.Kafka.Wire;

/// <summary>Error codes of Kafka's protocol, by their numbers and names there.</summary>
internal static class BrokerError
{
    public const short None = 0;
    public const short OffsetOutOfRange = 1;
    public const short CorruptMessage = 2;
    public const short UnknownTopicOrPartition = 3;
    public const short LeaderNotAvailable = 5;
    public const short NotLeaderOrFollower = 6;
    public const short RequestTimedOut = 7;
    public const short ReplicaNotAvailable = 9;
    public const short MessageTooLarge = 10;
    public const short CoordinatorLoading = 14;
    public const short CoordinatorNotAvailable = 15;
    public const short NotEnoughReplicas = 19;
    public const short NotEnoughReplicasAfterAppend = 20;
    public const short TopicAuthorizationFailed = 29;
    public const short ClusterAuthorizationFailed = 31;
    public const short UnsupportedVersion = 35;
    public const short OutOfOrderSequence = 45;
    public const short DuplicateSequence = 46;
    public const short KafkaStorageError = 56;
    public const short SaslAuthenticationFailed = 58;
    public const short FetchSessionIdNotFound = 70;
    public const short InvalidFetchSessionEpoch = 71;
    public const short FencedLeaderEpoch = 74;
    public const short UnknownLeaderEpoch = 75;
    public const short OffsetNotAvailable = 78;
    public const short ThrottlingQuotaExceeded = 89;

    /// <summary>Whether the same request may succeed later, perhaps at another broker.</summary>
    public static bool IsRetriable(short code) => code is CorruptMessage or UnknownTopicOrPartition or LeaderNotAvailable or NotLeaderOrFollower or RequestTimedOut
        or ReplicaNotAvailable or CoordinatorLoading or CoordinatorNotAvailable or NotEnoughReplicas or NotEnoughReplicasAfterAppend or KafkaStorageError
        or FencedLeaderEpoch or UnknownLeaderEpoch or OffsetNotAvailable or ThrottlingQuotaExceeded;

    public static string Text(short code) => code switch
    {
        OffsetOutOfRange => "OFFSET_OUT_OF_RANGE",
        CorruptMessage => "CORRUPT_MESSAGE",
        UnknownTopicOrPartition => "UNKNOWN_TOPIC_OR_PARTITION",
        LeaderNotAvailable => "LEADER_NOT_AVAILABLE",
        NotLeaderOrFollower => "NOT_LEADER_OR_FOLLOWER",
        RequestTimedOut => "REQUEST_TIMED_OUT",
        MessageTooLarge => "MESSAGE_TOO_LARGE: more than the topic's max.message.bytes",
        NotEnoughReplicas => "NOT_ENOUGH_REPLICAS",
        NotEnoughReplicasAfterAppend => "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        TopicAuthorizationFailed => "TOPIC_AUTHORIZATION_FAILED",
        ClusterAuthorizationFailed => "CLUSTER_AUTHORIZATION_FAILED",
        UnsupportedVersion => "UNSUPPORTED_VERSION",
        OutOfOrderSequence => "OUT_OF_ORDER_SEQUENCE_NUMBER",
        KafkaStorageError => "KAFKA_STORAGE_ERROR",
        SaslAuthenticationFailed => "SASL_AUTHENTICATION_FAILED",
        _ => $"error {code} (see the protocol's error codes)",
    };
}
