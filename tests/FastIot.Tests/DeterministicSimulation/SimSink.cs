using System.Globalization;
using System.Text;
using FastIot.Emit;
using FastIot.Ingest;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>A transactional producer whose calls fail in every way they can: refused, fenced, timed out with either outcome.</summary>
internal sealed class SimSink : ITransactionalSink
{
    private readonly SimBroker _broker;
    private readonly string _id;
    private readonly int _epoch;
    private readonly Action _interleave;

    /// <param name="interleave">Lets others go on in the midst of a commit.</param>
    public SimSink(SimBroker broker, string id, Action interleave)
    {
        (_broker, _id, _interleave) = (broker, id, interleave);
        broker.Faults.MayCrash();
        if (broker.Faults.DrawTrouble()) throw new EmitException("the transaction's coordinator does not answer");
        _epoch = broker.InitProducer(id);
    }

    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks) => Write(Anomaly(value));

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance) => Write(Reading(topic, in provenance));

    /// <summary>All of it but the last member, the time of detection, which is no function of the log.</summary>
    public static SimOutput Anomaly(ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> partition = value[(value.IndexOf("\"partition\":"u8) + 12)..];
        int number = int.Parse(partition[..partition.IndexOf((byte)',')], CultureInfo.InvariantCulture);
        return new SimOutput("anomalies", number, Encoding.UTF8.GetString(value[..value.IndexOf(",\"detection_time\":"u8)]));
    }

    public static SimOutput Reading(OutputTopic topic, in Provenance provenance) =>
        new(topic.ToString(), provenance.Partition, string.Create(CultureInfo.InvariantCulture, $"{provenance.Offset}.{provenance.Index} {Encoding.UTF8.GetString(provenance.Reason)}"));

    public void Poll()
    {
    }

    public void Flush(TimeSpan timeout)
    {
    }

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits, IGroupMembership group, TimeSpan timeout)
    {
        SimFaults faults = _broker.Faults;
        faults.MayCrash();
        if (_broker.IsFenced(_id, _epoch)) return CommitResult.Unknown("fenced");
        if (faults.DrawTrouble()) return CommitResult.Unknown("the offsets timed out");
        if (!_broker.Group.Accepts((SimMembership)group)) return CommitResult.Aborted("illegal generation");
        _broker.Open(_id).Offsets = commits.ToArray();
        if (faults.DrawTrouble()) _interleave();
        faults.MayCrash();

        // Nobody asks for the generation again: only the transaction's own time-out, and its epoch, protect from here on.
        if (_broker.IsFenced(_id, _epoch)) return CommitResult.Unknown("fenced in the midst of a transaction");
        if (faults.DrawTrouble()) return Unknown();
        _broker.EndTransaction(_id, commit: true);
        faults.MayCrash();
        return faults.DrawTrouble() ? CommitResult.Unknown("committed, and the answer lost") : CommitResult.Committed;
    }

    public CommitResult Abort(TimeSpan timeout)
    {
        if (_broker.IsFenced(_id, _epoch) || _broker.Faults.DrawTrouble()) return CommitResult.Unknown("abort timed out");
        _broker.EndTransaction(_id, commit: false);
        return CommitResult.Aborted("as asked");
    }

    public void Dispose()
    {
    }

    /// <summary>Either outcome, now or later.</summary>
    private CommitResult Unknown()
    {
        if (_broker.Faults.Random.Next(2) == 0) _broker.Open(_id).IsCommitting = true;
        return CommitResult.Unknown("commit timed out");
    }

    private bool Write(SimOutput output)
    {
        _broker.Faults.MayCrash();
        if (_broker.Faults.Draw(.02)) return false;
        if (_broker.IsFenced(_id, _epoch)) throw new EmitException("fenced");
        _broker.Open(_id).Records.Add(output);
        return true;
    }
}
