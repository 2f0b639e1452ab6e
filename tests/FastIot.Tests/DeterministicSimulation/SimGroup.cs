using FastIot.Ingest;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>Member and generation, as a transaction sends them along.</summary>
internal sealed record SimMembership(SimMember Member, int Generation) : IGroupMembership
{
    public void Dispose()
    {
    }
}

/// <summary>A member as the coordinator knows it.</summary>
internal sealed class SimMember
{
    public int Generation { get; set; }

    /// <summary>It has joined the rebalance that is going on.</summary>
    public bool Joined { get; set; }

    /// <summary>The coordinator has given it up: its session has expired, or it has left.</summary>
    public bool Gone { get; set; }

    public HashSet<int> Target { get; set; } = [];
}

/// <summary>
/// The group's coordinator. A rebalance waits for every member to have revoked what it is to give up, and to join; whoever does not for too
/// long is given up, and its partitions go to others at once. Offsets are taken from any member with the right generation, for any partition:
/// as a real broker does.
/// </summary>
internal sealed class SimGroup(SimBroker broker)
{
    private readonly List<SimMember> _members = [];

    public int Generation { get; private set; }

    public bool IsRebalancing { get; private set; }

    public int Rebalances { get; private set; }

    public IReadOnlyList<SimMember> Members => _members;

    public SimMember Join()
    {
        var member = new SimMember();
        _members.Add(member);
        Begin();
        return member;
    }

    /// <summary>The session expired, or the member left.</summary>
    public void Leave(SimMember member)
    {
        if (!_members.Remove(member)) return;
        member.Gone = true;
        Begin();
    }

    /// <summary>The member has revoked what it must, and waits for the others.</summary>
    public void JoinRound(SimMember member)
    {
        member.Joined = true;
        if (!_members.TrueForAll(m => m.Joined)) return;
        IsRebalancing = false;
        Generation++;
        foreach (SimMember each in _members) each.Generation = Generation;
    }

    /// <summary>Whether the coordinator takes offsets from it.</summary>
    public bool Accepts(SimMembership membership) => !membership.Member.Gone && membership.Generation == Generation;

    /// <summary>Draws who is to have what.</summary>
    public void Begin()
    {
        if (_members.Count == 0) return;
        IsRebalancing = true;
        Rebalances++;
        foreach (SimMember member in _members) (member.Joined, member.Target) = (false, []);
        Random random = broker.Faults.Random;
        for (int partition = 0; partition < broker.Logs.Length; partition++) _members[random.Next(_members.Count)].Target.Add(partition);
    }
}
