using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using FastIot.Kafka;

namespace FastIot.Ingest;

/// <summary>How partitions come and go: rebalances, where reading begins, taking everything up anew.</summary>
public sealed unsafe partial class KafkaSource
{
    public void Rewind()
    {
        int[] numbers = [.. Enumerable.Range(0, _endAt.Length).Where(IsOwned)];
        _listener!.OnRevoked(numbers, lost: true);
        if (numbers.Length == 0) return;
        Release();
        KafkaPartitionList* list = NativeKafka.rd_kafka_topic_partition_list_new(numbers.Length);
        try
        {
            foreach (int number in numbers) NativeKafka.rd_kafka_topic_partition_list_add(list, _options.RawTopic, number);
            NativeKafka.rd_kafka_resume_partitions(_rk, list);
            Decide(list);
            SeekAll(list);
        }
        finally
        {
            NativeKafka.rd_kafka_topic_partition_list_destroy(list);
        }
    }

    private bool IsOwned(int partition) => (uint)partition < (uint)_endAt.Length && _endAt[partition] != NotOwned;

    private void Own(int partition, bool owned)
    {
        int known = _endAt.Length;
        if (partition >= known)
        {
            Array.Resize(ref _endAt, Math.Max(partition + 1, known * 2));
            Array.Fill(_endAt, NotOwned, known, _endAt.Length - known);
        }

        _endAt[partition] = owned ? Unknown : NotOwned;
    }

    private void SeekAll(KafkaPartitionList* partitions)
    {
        string? failure = KafkaClient.Take(NativeKafka.rd_kafka_seek_partitions(_rk, partitions, AnswerMs));
        for (int i = 0; i < partitions->Count && failure == null; i++)
        {
            ref KafkaTopicPartition element = ref partitions->Elements[i];
            if (element.Error != KafkaError.None) failure = $"[{element.Partition}]@{element.Offset}: {KafkaClient.ErrorText(element.Error)}";
            else if (IsOwned(element.Partition)) _endAt[element.Partition] = Unknown;
        }

        if (failure != null) throw new IngestException($"{_options.RawTopic} cannot be read from where it is to begin: {failure}") { Transient = true };
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnRebalance(nint rk, int code, KafkaPartitionList* partitions, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is not KafkaSource source) return;
        try
        {
            if (code == KafkaError.AssignPartitions) source.Assign(partitions);
            else source.Revoke(partitions);
        }
        catch (Exception e)
        {
            // Not through librdkafka's frames: the poll that called throws it.
            source._failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private bool Cooperative => KafkaClient.Text(NativeKafka.rd_kafka_rebalance_protocol(_rk)) == "COOPERATIVE";

    private void Assign(KafkaPartitionList* partitions)
    {
        Decide(partitions);
        string? failure = Cooperative ? KafkaClient.Take(NativeKafka.rd_kafka_incremental_assign(_rk, partitions)) : Plain(NativeKafka.rd_kafka_assign(_rk, partitions));
        if (failure != null) throw new IngestException($"group {_options.Group}: partitions of {_options.RawTopic} cannot be taken over: {failure}");
    }

    /// <summary>Sets each partition's offset to where the listener wants it, from what is committed.</summary>
    private void Decide(KafkaPartitionList* partitions)
    {
        KafkaPartitionList* committed = NativeKafka.rd_kafka_topic_partition_list_copy(partitions);
        try
        {
            ReadCommitted(committed);
            var assignments = new PartitionAssignment[committed->Count];
            int count = assignments.Length > 0 ? PartitionCount() : 0;
            for (int i = 0; i < assignments.Length; i++) assignments[i] = Assignment(in committed->Elements[i], count);
            foreach (PartitionAssignment assignment in assignments) Own(assignment.Partition, true);
            _listener!.OnAssigned(assignments);
            for (int i = 0; i < assignments.Length; i++) partitions->Elements[i].Offset = assignments[i].StartOffset;
        }
        finally
        {
            NativeKafka.rd_kafka_topic_partition_list_destroy(committed);
        }
    }

    /// <summary>Waits, within bounds, for a coordinator and for transactions that hold the offsets undecided.</summary>
    private void ReadCommitted(KafkaPartitionList* partitions)
    {
        // Asked about nothing, librdkafka does not answer: and nothing is what a new member of a group gets at first.
        if (partitions->Count == 0) return;
        var waited = Stopwatch.StartNew();
        while (true)
        {
            int leftMs = (int)Math.Max(1, AnswerMs - waited.ElapsedMilliseconds);
            int error = NativeKafka.rd_kafka_committed(_rk, partitions, leftMs);
            for (int i = 0; i < partitions->Count && error == KafkaError.None; i++) error = partitions->Elements[i].Error;
            if (error == KafkaError.None) return;
            bool transient = KafkaError.IsPassing(error);
            if (transient && waited.ElapsedMilliseconds < AnswerMs)
            {
                // Lets librdkafka's own threads find the coordinator meanwhile; nothing of the consumer may be served here.
                Thread.Sleep(RetryPauseMs);
                continue;
            }

            throw new IngestException($"group {_options.Group}: the committed offsets of {_options.RawTopic} cannot be read: {KafkaClient.ErrorText(error)}") { Transient = transient };
        }
    }

    private PartitionAssignment Assignment(in KafkaTopicPartition partition, int count)
    {
        long low, high;
        int error = NativeKafka.rd_kafka_query_watermark_offsets(_rk, _options.RawTopic, partition.Partition, &low, &high, AnswerMs);
        if (error != KafkaError.None) throw new IngestException($"{_options.RawTopic}[{partition.Partition}]: begin and end of the log cannot be read: {KafkaClient.ErrorText(error)}") { Transient = true };
        return new PartitionAssignment
        {
            Partition = partition.Partition,
            CommittedOffset = partition.Offset < 0 ? -1 : partition.Offset,
            Metadata = partition.Metadata == null ? null : Encoding.UTF8.GetString(partition.Metadata, (int)partition.MetadataLength),
            LowOffset = low,
            HighOffset = high,
            PartitionCount = count,
        };
    }

    private int PartitionCount()
    {
        nint topic = NativeKafka.rd_kafka_topic_new(_rk, _options.RawTopic, 0);
        KafkaMetadata* metadata = null;
        try
        {
            int error = NativeKafka.rd_kafka_metadata(_rk, 0, topic, &metadata, AnswerMs);
            if (error == KafkaError.None && metadata->TopicCount == 1) error = metadata->Topics[0].Error;
            if (error != KafkaError.None) throw new IngestException($"{_options.RawTopic}: how many partitions it has cannot be read: {KafkaClient.ErrorText(error)}") { Transient = true };
            return metadata->Topics[0].PartitionCount;
        }
        finally
        {
            if (metadata != null) NativeKafka.rd_kafka_metadata_destroy(metadata);
            if (topic != 0) NativeKafka.rd_kafka_topic_destroy(topic);
        }
    }

    private void Revoke(KafkaPartitionList* partitions)
    {
        bool lost = NativeKafka.rd_kafka_assignment_lost(_rk) != 0;
        int[] numbers = new int[partitions->Count];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = partitions->Elements[i].Partition;
        try
        {
            _listener!.OnRevoked(numbers, lost);
        }
        finally
        {
            foreach (int number in numbers) Own(number, false);
            if (Cooperative) KafkaClient.Take(NativeKafka.rd_kafka_incremental_unassign(_rk, partitions));
            else NativeKafka.rd_kafka_assign(_rk, null);
        }
    }

    private static string? Plain(int error) => error == KafkaError.None ? null : KafkaClient.ErrorText(error);
}
